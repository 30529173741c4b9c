/** Every meaning has a name of its own, which is read back as that meaning. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chains, type ChainMeaning } from '../../../src/nftables/names/chains.js';
import { counters } from '../../../src/nftables/names/counters.js';
import { longestName } from '../../../src/nftables/names/grammar.js';
import { sets } from '../../../src/nftables/names/sets.js';
import { cases } from '../../support/seed.js';
import { ofChains, ofCounters, ofSets } from './meanings.js';

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
