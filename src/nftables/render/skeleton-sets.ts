import { families, type Family } from '../../model/address.js';
import { emptySet } from '../language/empty-set.js';
import { headerReadings } from '../language/expressions.js';
import { addressType } from '../language/key-types.js';
import type { NftSet } from '../language/types.js';
import { setName } from '../names/sets.js';
import { midstreamSets } from './mid-streams.js';
import type { SkeletonOptions } from './skeleton.js';

/** Sets that are in the ruleset of every node, empty. */
export function skeletonSets(untracked: SkeletonOptions['untracked'] = 'drop'): NftSet[] {
  return families.flatMap((family) => {
    const address = addressType(family);
    return [
      titled('pods of this node', emptySet(setName.pods(family), [address])),
      titled('pods that a policy isolates for ingress', emptySet(setName.isolated('ingress', family), [address])),
      titled('pods that a policy isolates for egress', emptySet(setName.isolated('egress', family), [address])),
      titled('pods whose ingress is never cached', emptySet(setName.uncached('ingress', family), [address])),
      titled('pods whose egress is never cached', emptySet(setName.uncached('egress', family), [address])),
      titled('pairs of addresses of one pod', emptySet(setName.self(family), [address, address])),
      ...midstreamSets(family),
      {
        ...titled('from a client to its egress chain', emptySet(setName.dispatch('egress', family), [address])),
        verdicts: true,
      },
      {
        ...titled('from a server to its ingress chain', emptySet(setName.dispatch('ingress', family), [address])),
        verdicts: true,
      },
      ...(untracked === 'stateless' ? headerMaps(family) : []),
      // Concatenated, because nft reads plain interval sets back at every change of any set.
      {
        ...titled('pod ranges of this node', emptySet(setName.unknownRanges(family), [address, 'inet_proto'])),
        interval: true,
      },
      titled('known pods in those ranges', emptySet(setName.knownPods(family), [address])),
    ];
  });
}

const headerMaps = (family: Family): NftSet[] =>
  headerReadings.flatMap((as) =>
    (['egress', 'ingress'] as const).map((direction) => ({
      ...titled(
        `of an untracked packet read as ${as === 'flow' ? 'a flow' : 'an answer'}: to the ${direction} rules of its ${
          direction === 'egress' ? 'client' : 'server'
        }`,
        emptySet(setName.untrackedDispatch[as](direction, family), [addressType(family)]),
      ),
      verdicts: true,
    })),
  );

const titled = (title: string, set: NftSet): NftSet => ({ ...set, title });
