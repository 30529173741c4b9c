/** Containment is proved from selectors alone: what it claims must hold for every pod, and for every address. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { peerWithin, selectorWithin } from '../../src/lint/containment.js';
import { PeerContainers } from '../../src/lint/peer-containers.js';
import { parseAddress, parseCidr } from '../../src/model/address.js';
import type { LabelSelector } from '../../src/model/labels.js';
import type { Peer } from '../../src/model/policy.js';
import { CidrSearch } from '../../src/addresses/cidr-search.js';
import { subtractCidrs } from '../../src/addresses/cidr-sets.js';
import { matches } from '../../src/selectors/match.js';
import { cases, seed } from '../support/seed.js';

const values = ['a', 'b', 'c'] as const;
const keys = ['app', 'tier'] as const;
const someValues = fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 });
const requirement = fc.oneof(
  fc.record({
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    key: fc.constantFrom(...keys),
    values: someValues,
  }),
  fc.record({ operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const), key: fc.constantFrom(...keys) }),
);
const selector: fc.Arbitrary<LabelSelector> = fc.record({ requirements: fc.array(requirement, { maxLength: 3 }) });
const each = [undefined, ...values];
const everyPod = each.flatMap((app) =>
  each.map((tier) => ({ ...(app === undefined ? {} : { app }), ...(tier === undefined ? {} : { tier }) })),
);

const cidr = fc.tuple(fc.integer({ min: 28, max: 32 }), fc.integer({ min: 0, max: 15 })).map(([prefix, host]) => {
  const parsed = parseCidr(`192.0.2.${host}/${prefix}`);
  if (parsed === undefined) throw new Error('a CIDR by construction');
  return parsed;
});
const block = fc.record({ kind: fc.constant('ipBlock' as const), cidr, except: fc.array(cidr, { maxLength: 2 }) });
const everyAddress = Array.from({ length: 16 }, (_, host) => parseAddress(`192.0.2.${host}`) ?? fail());
const fail = (): never => {
  throw new Error('an address by construction');
};
const holders = ({ cidr: whole, except }: Extract<Peer, { kind: 'ipBlock' }>) => {
  const search = new CidrSearch(subtractCidrs(whole, except));
  return everyAddress.filter((address) => search.contains(address));
};

describe('what lies within another', () => {
  test('matches only pods that the other matches', () => {
    fc.assert(
      fc.property(selector, selector, (narrow, wide) => {
        fc.pre(selectorWithin(narrow, wide));
        for (const labels of everyPod) if (matches(narrow, labels)) expect(matches(wide, labels)).toBe(true);
      }),
      { seed, numRuns: cases(1000) },
    );
  });

  test('holds only addresses that the other holds', () => {
    fc.assert(
      fc.property(block, block, (narrow, wide) => {
        fc.pre(peerWithin(narrow, wide, 'shop'));
        expect(holders(wide)).toEqual(expect.arrayContaining(holders(narrow)));
      }),
      { seed, numRuns: cases(1000) },
    );
  });

  const pods = (namespaces: LabelSelector | 'own'): Peer => ({ kind: 'pods', namespaces, pods: { requirements: [] } });
  const named = (key: string, value: string): Peer =>
    pods({ requirements: [{ operator: 'In', key, values: [value] }] });
  const name = 'kubernetes.io/metadata.name';
  test.each<readonly [string, Peer, Peer, boolean]>([
    ['the own namespace, and all of them', pods('own'), pods({ requirements: [] }), true],
    ['the own namespace, and its name', pods('own'), named(name, 'shop'), true],
    ['the own name, and the own namespace', named(name, 'shop'), pods('own'), true],
    ["another's name, and the own namespace", named(name, 'other'), pods('own'), false],
    ['the own namespace, and a label that nobody knows', pods('own'), named('team', 'a'), false],
  ])('%s', (_, narrow, wide, expected) => {
    expect(peerWithin(narrow, wide, 'shop')).toBe(expected);
  });

  const podPeer = fc.record({
    kind: fc.constant('pods' as const),
    namespaces: fc.oneof(fc.constant('own' as const), selector),
    pods: selector,
  });
  test('the peers of a rule that contain another are found without asking each', () => {
    let found = 0;
    fc.assert(
      fc.property(fc.array(fc.oneof(block, podPeer), { maxLength: 12 }), fc.oneof(block, podPeer), (peers, narrow) => {
        const expected = peers.flatMap((wide, index) => (peerWithin(narrow, wide, 'shop') ? [index] : []));
        found += expected.length;
        const containers = PeerContainers.of(peers);
        expect([...containers.containing(narrow, 'shop')].sort((a, b) => a - b)).toEqual(expected);
        expect(containers.contain(narrow, 'shop')).toBe(expected.length > 0);
      }),
      { seed, numRuns: cases(1000) },
    );
    expect(found).toBeGreaterThan(cases(1000) / 10);
  });
});
