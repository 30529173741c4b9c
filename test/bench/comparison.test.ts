import { describe, expect, test } from '@jest/globals';
import { compareRounds, comparisonTable, overall, parseAgainst } from './comparison.js';
import type { Figure } from './figures.js';

const figure = (what: string, values: Figure['values']): Figure => ({ what, measured: '', values });
const round = (here: number, there: number) => ({
  here: [figure('live', { median: here, low: 0, high: 9 }), figure('new', { median: 1 })],
  there: [figure('live', { median: there, low: 0, high: 9 })],
});

describe('two trees in turns', () => {
  test('medians over the rounds, and the one as a part of the other; intervals and what one side lacks are left out', () => {
    expect(compareRounds([round(1, 2), round(3, 2), round(100, 4)])).toEqual([
      { what: 'live: median', here: 3, there: 2, ratio: 1.5 },
    ]);
  });

  test('the overall ratio is the geometric mean: twice and half are even', () => {
    const values = [2, 0.5].map((ratio) => ({ what: 'x', here: ratio, there: 1, ratio }));
    expect(overall(values)).toBeCloseTo(1);
  });

  test('a figure that a round lacks is none', () => {
    expect(compareRounds([round(1, 2), { here: [], there: [] }])).toEqual([]);
  });

  test('what more is better of is no cost: half the rate is no gain', () => {
    const side = (rate: number, p50: number) => [figure('writes', { rate, perCore: rate, cores: 1, p50 })];
    expect(compareRounds([{ here: side(50, 2), there: side(100, 1) }])).toEqual([
      { what: 'writes: p50', here: 2, there: 1, ratio: 2 },
    ]);
  });

  test('bounds are held', () => {
    const compared = compareRounds([round(3, 2)]);
    expect(comparisonTable('packets', compared, 1.6)).toContain('1.500 <= 1.6: met');
    expect(comparisonTable('packets', compared, 1.03)).toContain('1.500 > 1.03: NOT met');
  });
});

describe('the flags of a comparison', () => {
  test('have defaults, and bounds by item', () => {
    expect(parseAgainst({ against: 'HEAD', bound: 'packets=1.03,events=1.1' })).toEqual({
      commit: 'HEAD',
      items: ['packets', 'events'],
      rounds: 5,
      bounds: new Map([
        ['packets', 1.03],
        ['events', 1.1],
      ]),
    });
    expect(parseAgainst({})).toBeUndefined();
  });

  test.each([
    [{ against: 'HEAD', bound: 'packets' }, '--bound packets: expected ITEM=RATIO'],
    [{ against: 'HEAD', bound: 'packet=1.03' }, '--bound packet: not among --items'],
    [{ against: 'HEAD', items: 'events', bound: 'events=1.1,packets=1.03' }, '--bound packets: not among --items'],
    [{ against: 'HEAD', rounds: '0' }, '--rounds 0: expected a number, 1 at least'],
    [{ against: 'HEAD', rounds: 'many' }, '--rounds many: expected a number, 1 at least'],
    [{ bound: 'packets=1.03' }, '--bound is for a comparison: give --against COMMIT as well'],
    [{ items: 'packets' }, '--items is for a comparison: give --against COMMIT as well'],
    [{ rounds: '5' }, '--rounds is for a comparison: give --against COMMIT as well'],
  ])('%j are refused', (flags, message) => {
    expect(() => parseAgainst(flags)).toThrow(message);
  });
});
