/**
 * Whose relations a change may narrow. Chains are named by their content, so a change of rules shows as elements of the
 * verdict maps that lead to them; and whether a set or map of addresses holds an address decides about relations of that
 * address alone. So the addresses of all elements that came, went or were re-pointed are enough, and more than enough
 * where an element only allowed more.
 */
import type { KeyType, NftSet } from '../language/types.js';
import { partsOf } from '../language/elements.js';
import type { Difference } from './difference.js';

const isAddress = (type: KeyType): boolean => type === 'ipv4_addr' || type === 'ipv6_addr';

/** Undefined when it is not known: a chain is rewritten in place, an interval or a set without addresses changes. */
export function narrowedAddresses(difference: Difference): ReadonlySet<string> | undefined {
  if (difference.cacheDamaged || difference.changedChains.length > 0) return undefined;
  const addresses = new Set<string>();
  for (const { set, added, removed } of difference.elements) {
    if (set.interval || !set.type.some(isAddress)) return undefined;
    for (const key of removed) addAddresses(set, key, addresses);
    for (const [key] of added) addAddresses(set, key, addresses);
  }
  return addresses;
}

function addAddresses({ type }: NftSet, key: string, into: Set<string>): void {
  if (type.length === 1) into.add(key);
  else
    for (const [index, part] of partsOf(key).entries()) {
      const partType = type[index];
      if (partType !== undefined && isAddress(partType)) into.add(part);
    }
}
