/** Every meaning has a name of its own, which is read back as that meaning. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { families } from '../../../src/model/address.js';
import { directions } from '../../../src/model/policy.js';
import { skeletonDrops } from '../../../src/program/logged-chain.js';
import { cacheUses, chains, skeletonChainNames, type ChainMeaning } from '../../../src/nftables/names/chains.js';
import { counters, type CounterMeaning } from '../../../src/nftables/names/counters.js';
import { longestName } from '../../../src/nftables/names/grammar.js';
import { sets, type SetMeaning } from '../../../src/nftables/names/sets.js';
import { cases } from '../../support/seed.js';

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
const nothing = fc.constant({});

const ofChains = meanings<ChainMeaning>({
  skeleton: fc.record({ chain: fc.constantFrom(...skeletonChainNames) }),
  cache: fc.record({ use: fc.constantFrom(...cacheUses) }),
  'cache-generation': fc.record({ use: fc.constantFrom(...cacheUses), generation: number }),
  'skeleton-deny': fc.record({ reason }),
  'allow-not-isolated': fc.record({ direction }),
  isolation: fc.record({ dryRun: flag, direction, content: hash }),
  rules: fc.record({
    use: fc.constantFrom('enforced', 'dry-run', 'dry-run-only'),
    direction,
    readable,
    content: hash,
  }),
  'rule-hit': fc.record({ dryRun: flag, recorded: flag, ...ofRule }),
  deny: fc.record(ofPolicies),
  'dry-run-deny': fc.record({ ...ofPolicies, recorded: flag }),
  allow: fc.record(ofRule),
  'dry-run-allow': fc.record(ofRule),
  guard: fc.record({ device }),
  'egress-guard': fc.record({ device }),
});

const ofCounters = meanings<CounterMeaning>({
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
});

const ofSets = meanings<SetMeaning>({
  pods: fc.record({ family }),
  self: fc.record({ family }),
  midstream: fc.record({ family }),
  isolated: fc.record({ direction, family }),
  uncached: fc.record({ direction, family }),
  'dry-run-reported': fc.record({ direction, family }),
  'allow-recorded': fc.record({ direction, family }),
  dispatch: fc.record({ direction, family }),
  'unknown-ranges': fc.record({ family }),
  'known-pods': fc.record({ family }),
  cache: fc.record({ family, generation: number }),
  group: fc.record({ of: fc.constantFrom('pods', 'blocks', 'listeners'), family, group: hash }),
  ports: fc.record({ ports: hash }),
  peers: fc.record({ family, map: hash }),
  'log-pairs': fc.record({ family, rate: number, burst: number }),
});

const runs = { numRuns: cases(2000) };
/** nft takes these, the first one no digit. */
const nftName = /^[A-Za-z][A-Za-z0-9/\\_.-]*$/;

describe('names', () => {
  test('of chains are read back as what they mean', () => {
    fc.assert(
      fc.property(ofChains, (meaning) => {
        const name = chains.nameOf(meaning);
        expect(name).toMatch(nftName);
        expect(name.length).toBeLessThanOrEqual(longestName);
        expect(chains.meaningOf(name)).toEqual(meaning);
        expect(chains.meaningAs(meaning.kind, name)).toEqual(meaning);
      }),
      runs,
    );
  });

  test('of counters are', () => {
    fc.assert(
      fc.property(ofCounters, (meaning) => {
        const name = counters.nameOf(meaning);
        expect(name).toMatch(nftName);
        expect(counters.meaningOf(name)).toEqual(meaning);
      }),
      runs,
    );
  });

  test('of sets and maps are', () => {
    fc.assert(
      fc.property(ofSets, (meaning) => {
        const name = sets.nameOf(meaning);
        expect(name).toMatch(nftName);
        expect(sets.meaningOf(name)).toEqual(meaning);
      }),
      runs,
    );
  });

  test.each([
    ['chains', ofChains, chains],
    ['counters', ofCounters, counters],
    ['sets', ofSets, sets],
  ] as const)('of %s have one meaning: no other kind reads them', (_, arbitrary, grammar) => {
    const meaningAs = grammar.meaningAs as (kind: string, name: string) => object | undefined;
    const kinds = new Set(fc.sample(arbitrary as fc.Arbitrary<ChainMeaning>, 500).map(({ kind }) => kind as string));
    fc.assert(
      fc.property(arbitrary as fc.Arbitrary<ChainMeaning>, (meaning) => {
        const name = (grammar.nameOf as (one: ChainMeaning) => string)(meaning);
        expect([...kinds].filter((kind) => meaningAs(kind, name) !== undefined)).toEqual([meaning.kind]);
      }),
      runs,
    );
  });

  test('that would be too long lose the end of what is for people, and nothing that tells them apart', () => {
    fc.assert(
      fc.property(ofChains, fc.string({ minLength: 60, maxLength: 300 }), (meaning, text) => {
        if (!('readable' in meaning)) return;
        const name = chains.nameOf({ ...meaning, readable: `ns-${text}` });
        expect(name.length).toBe(longestName);
        expect(name).toMatch(nftName);
        expect(chains.meaningOf(name)).toEqual({ ...meaning, readable: expect.stringMatching(/^ns-/) as unknown });
      }),
      runs,
    );
  });

  test.each(['', 'podwall', 'deny-', 'deny-in-', 'drop-nothing-known', 'cached', 'iso-in-xyz', 'Egress', 'allow '])(
    '%p means nothing',
    (name) => {
      for (const grammar of [chains, counters, sets]) expect(grammar.meaningOf(name)).toBeUndefined();
    },
  );
});
