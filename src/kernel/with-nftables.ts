import { openNftables, type NftablesDoor } from './nft.js';

/** Opens the door to nft for one piece of work. @throws NftError as openNftables */
export async function withNftables<T>(work: (door: NftablesDoor) => Promise<T>): Promise<T> {
  const door = await openNftables({});
  try {
    return await work(door);
  } finally {
    await door.close();
  }
}
