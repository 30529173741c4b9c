import { addressToNumber, bitsOf, type Cidr } from '../model/address.js';

/** Addresses of one family as numbers, both ends inclusive. */
export interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

export function rangeOf({ family, address, prefix }: Cidr): AddressRange {
  const first = addressToNumber(address);
  return { first, last: first + (1n << BigInt(bitsOf(family) - prefix)) - 1n };
}

/** Whether disjoint, sorted `blocks` hold the whole range, none of it, or a part. */
export function coverage({ first, last }: AddressRange, blocks: readonly AddressRange[]): 'all' | 'part' | 'none' {
  let next = first;
  let touched = false;
  for (const block of blocks) {
    if (block.last < first || block.first > last) continue;
    touched = true;
    if (block.first > next) return 'part';
    next = block.last + 1n;
  }
  return next > last ? 'all' : touched ? 'part' : 'none';
}
