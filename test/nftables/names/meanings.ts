/** Random meanings of names, of every kind that there is. */
import fc from 'fast-check';
import { families } from '../../../src/model/address.js';
import { directions } from '../../../src/model/policy.js';
import { skeletonDrops } from '../../../src/program/drop-reasons.js';
import { headerReadings } from '../../../src/nftables/language/expressions.js';
import {
  cacheUses,
  guardChainNames,
  skeletonChainNames,
  type ChainMeaning,
} from '../../../src/nftables/names/chains.js';
import type { CounterMeaning } from '../../../src/nftables/names/counters.js';
import { shareHolders, type SetMeaning } from '../../../src/nftables/names/sets.js';
import '../../support/seed.js';

/** An arbitrary for every kind: one without is a type error. */
type Arbitraries<Meaning extends { readonly kind: string }> = {
  readonly [Kind in Meaning['kind']]: fc.Arbitrary<Omit<Extract<Meaning, { kind: Kind }>, 'kind'>>;
};
const meanings = <Meaning extends { readonly kind: string }>(kinds: Arbitraries<Meaning>): fc.Arbitrary<Meaning> =>
  fc.oneof(
    ...Object.entries<fc.Arbitrary<object>>(kinds).map(([kind, values]) =>
      values.map((value) => ({ ...value, kind }) as unknown as Meaning),
    ),
  );

const direction = fc.constantFrom(...directions);
const family = fc.constantFrom(...families);
const flag = fc.boolean();
const hash = fc.stringMatching(/^[0-9a-f]{16}$/);
const number = fc.oneof(fc.nat({ max: 12 }), fc.nat());
/** As Kubernetes names may be joined: digits and words of our own among them. */
const readable = fc
  .array(fc.constantFrom('shop', 'allow', 'in', 'out', '0', '7', 'hit', 'recorded', 'dry-run', 'not-isolated', 'a.b'), {
    minLength: 2,
    maxLength: 3,
  })
  .map((words) => words.join('-'))
  .filter((text) => text.length <= 15);
const ofRule = { direction, readable, rule: fc.nat({ max: 99 }), policy: hash };
const ofPolicies = { direction, policies: hash };
const reason = fc.constantFrom(...skeletonDrops);
const device = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,15}$/);
const at = fc.constantFrom('guard', 'bridge');
const as = fc.constantFrom(...headerReadings);
const nothing = fc.constant({});

export const ofChains = meanings<ChainMeaning>({
  skeleton: fc.record({ chain: fc.constantFrom(...skeletonChainNames) }),
  cache: fc.record({ use: fc.constantFrom(...cacheUses) }),
  'cache-generation': fc.record({ use: fc.constantFrom(...cacheUses), excepting: fc.boolean(), generation: number }),
  'skeleton-deny': fc.record({ reason }),
  'allow-not-isolated': fc.record({ direction }),
  isolation: fc.record({ dryRun: flag, direction, content: hash }),
  'untracked-isolation': fc.record({ as, direction, content: hash }),
  rules: fc.record({
    use: fc.constantFrom('enforced', 'dry-run', 'dry-run-only'),
    direction,
    readable,
    content: hash,
  }),
  'rules-for-peers': fc.record({ direction, family, content: hash }),
  'rules-for-one-peer': fc.record({ direction, content: hash }),
  'rules-for-some-peers': fc.record({ direction, family, content: hash }),
  'rules-on-some-ports': fc.record({ direction, content: hash }),
  deny: fc.record(ofPolicies),
  'dry-run-deny': fc.record({ ...ofPolicies, recorded: flag }),
  allow: fc.record(ofRule),
  'dry-run-allow': fc.record(ofRule),
  guard: fc.record({ device }),
  'egress-guard': fc.record({ device }),
  'neighbour-claims': fc.record({ device }),
  'guard-shared': fc.record({ chain: fc.constantFrom(...guardChainNames) }),
});

export const ofCounters = meanings<CounterMeaning>({
  accepted: fc.record({ what: fc.constantFrom('policy', 'midstream') }),
  'skeleton-drop': fc.record({ reason }),
  drop: fc.record(ofPolicies),
  'dry-run-deny': fc.record({ ...ofPolicies, recorded: flag }),
  rule: fc.record(ofRule),
  'dry-run-allow': fc.record(ofRule),
  'guard-drop': fc.record({ at }),
  logged: fc.record({ scope: fc.constantFrom('ingress', 'egress', 'neither') }),
  'guard-logged': fc.record({ at }),
  'to-report': nothing,
  'guard-to-report': fc.record({ at }),
  'logged-report': nothing,
  'guard-logged-report': fc.record({ at }),
  commit: fc.record({ mark: hash }),
});

const shareHolder = fc.constantFrom(...shareHolders);

export const ofSets = meanings<SetMeaning>({
  pods: fc.record({ family }),
  self: fc.record({ family }),
  midstream: fc.record({ family }),
  'midstream-share': fc.record({ of: shareHolder, family }),
  isolated: fc.record({ direction, family }),
  uncached: fc.record({ direction, family }),
  'dry-run-reported': fc.record({ direction, family }),
  'allow-recorded': fc.record({ direction, family }),
  dispatch: fc.record({ direction, family }),
  'untracked-dispatch': fc.record({ as, direction, family }),
  'unknown-ranges': fc.record({ family }),
  'known-pods': fc.record({ family }),
  cache: fc.record({ family, generation: number }),
  'cache-except': fc.record({ family, generation: number }),
  'cache-share': fc.record({ of: shareHolder, family, generation: number }),
  group: fc.record({ of: fc.constantFrom('pods', 'blocks', 'listeners'), family, group: hash }),
  ports: fc.record({ ports: hash }),
  peers: fc.record({ family, bucket: number }),
  'tunnel-ports': nothing,
  'node-addresses': fc.record({ family }),
  'multicast-senders': fc.record({ family }),
  'link-local': fc.record({ ifindex: number }),
  'link-local-claims': nothing,
  'log-pairs': fc.record({ family, rate: number, burst: number }),
  'log-senders': fc.record({ family, rate: number }),
  'log-devices': fc.record({ rate: number }),
});
