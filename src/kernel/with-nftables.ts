import { openNftables, type NftablesDoor } from './nft.js';
import { parseListing } from '../nftables/language/listing.js';
import type { Ruleset } from '../nftables/language/types.js';

/** Opens the door to nft for one piece of work. @throws NftError as openNftables */
export async function withNftables<T>(work: (door: NftablesDoor) => Promise<T>): Promise<T> {
  const door = await openNftables({});
  try {
    return await work(door);
  } finally {
    await door.close();
  }
}

/** Our table of this family as the kernel has it; undefined where there is none. */
export async function readTable(door: NftablesDoor, family: 'inet' | 'netdev'): Promise<Ruleset | undefined> {
  const listed = await door.list(family, 'podwall');
  return listed && parseListing(listed);
}
