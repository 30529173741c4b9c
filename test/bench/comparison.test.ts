import { describe, expect, test } from '@jest/globals';
import { compareRounds, comparisonTable, overall, parseBounds } from './comparison.js';
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

  test('bounds are read, and held', () => {
    expect([...parseBounds('packets=1.03,events=1.1')]).toEqual([
      ['packets', 1.03],
      ['events', 1.1],
    ]);
    expect(() => parseBounds('packets')).toThrow('--bound packets: expected ITEM=RATIO');
    const compared = compareRounds([round(3, 2)]);
    expect(comparisonTable('packets', compared, 1.6)).toContain('1.500 <= 1.6: met');
    expect(comparisonTable('packets', compared, 1.03)).toContain('1.500 > 1.03: NOT met');
  });
});
