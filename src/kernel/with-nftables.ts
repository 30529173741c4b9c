import { openNftClient, type NftClient } from './nft/nft-client.js';

/** Opens the door to nft for one piece of work. @throws NftError as openNftables */
export async function withNftables<T>(work: (door: NftClient) => Promise<T>): Promise<T> {
  const door = await openNftClient({});
  try {
    return await work(door);
  } finally {
    await door.close();
  }
}
