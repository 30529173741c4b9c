import { openNftClient, type NftClient } from './nft-client.js';

/** Opens an nft client for one piece of work. @throws NftError as openNftClient */
export async function withNftClient<T>(work: (client: NftClient) => Promise<T>): Promise<T> {
  const client = await openNftClient({});
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
