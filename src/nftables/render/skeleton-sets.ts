import { families, type Family } from '../../model/address.js';
import type { Direction } from '../../model/policy.js';
import { short } from '../names/directions.js';
import { emptySet } from '../language/empty-set.js';
import { addressType, digit } from '../language/key-types.js';
import type { NftSet } from '../language/types.js';

/** Names of the sets that every node has. */
export const setName = {
  pods: (family: Family): string => `pods${digit(family)}`,
  isolated: (direction: Direction, family: Family): string => `isolated-${short(direction)}${digit(family)}`,
  /** Pods that are in a dry run of this direction, or whose allowed flows are recorded. */
  told: (direction: Direction, family: Family): string => `told-${short(direction)}${digit(family)}`,
  same: (family: Family): string => `same${digit(family)}`,
  picked: (family: Family): string => `picked${digit(family)}`,
  dispatch: (direction: Direction, family: Family): string => `${direction}${digit(family)}`,
  unknownRanges: (family: Family): string => `unknown-ranges${digit(family)}`,
  knownPods: (family: Family): string => `known-pods${digit(family)}`,
  cache: (family: Family, generation: number): string => `cache${digit(family)}-${generation}`,
};

/** Sets that stand in the ruleset of every node, empty. */
export function skeletonSets(): NftSet[] {
  return families.flatMap((family) => {
    const address = addressType(family);
    return [
      emptySet(setName.pods(family), [address]),
      emptySet(setName.isolated('ingress', family), [address]),
      emptySet(setName.isolated('egress', family), [address]),
      emptySet(setName.told('ingress', family), [address]),
      emptySet(setName.told('egress', family), [address]),
      emptySet(setName.same(family), [address, address]),
      {
        ...emptySet(setName.picked(family), [address, 'inet_service', address, 'inet_service']),
        // As long as conntrack keeps an idle established stream: with less, an idle one would be judged one way.
        dynamic: { timeoutSeconds: 5 * 24 * 60 * 60, size: 65_536 },
      },
      { ...emptySet(setName.dispatch('egress', family), [address]), verdicts: true },
      { ...emptySet(setName.dispatch('ingress', family), [address]), verdicts: true },
      // Concatenated, because nft reads plain interval sets back at every change of any set.
      { ...emptySet(setName.unknownRanges(family), [address, 'inet_proto']), interval: true },
      emptySet(setName.knownPods(family), [address]),
    ];
  });
}
