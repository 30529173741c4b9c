import { families } from '../../model/address.js';
import { emptySet } from '../language/empty-set.js';
import { addressType } from '../language/key-types.js';
import type { NftSet } from '../language/types.js';
import { setName } from '../names/sets.js';

/** Sets that are in the ruleset of every node, empty. */
export function skeletonSets(): NftSet[] {
  return families.flatMap((family) => {
    const address = addressType(family);
    return [
      emptySet(setName.pods(family), [address]),
      emptySet(setName.isolated('ingress', family), [address]),
      emptySet(setName.isolated('egress', family), [address]),
      emptySet(setName.uncached('ingress', family), [address]),
      emptySet(setName.uncached('egress', family), [address]),
      emptySet(setName.self(family), [address, address]),
      {
        ...emptySet(setName.midstream(family), [address, 'inet_service', address, 'inet_service']),
        // As long as conntrack keeps an idle established stream: with less, an idle one would be evaluated one way.
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
