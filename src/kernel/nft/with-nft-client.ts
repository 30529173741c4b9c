import { openNftClient, type NftClient } from './nft-client.js';

/** Opens an nft client for one use. @throws NftError as openNftClient */
export async function withNftClient<T>(use: (client: NftClient) => Promise<T>): Promise<T> {
  const client = await openNftClient({});
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
