import { describe, expect, test } from '@jest/globals';
import type { MeasuredPhase, MeasuredRow, Phase } from './measured-row.js';
import { countObjects, leftOver } from './object-counts.js';
import { smallRows } from './rows.js';
import { figuresOf } from './tenant-figures.js';

const phase = (name: Phase, waits: readonly number[]): MeasuredPhase => ({
  phase: name,
  waits,
  own: 50,
  processor: 1,
  isAsWritten: true,
});

function measured(changes: Partial<MeasuredRow> = {}): MeasuredRow {
  const [row] = smallRows;
  if (row === undefined) throw new Error('no row');
  return {
    row,
    source: 'API server (fake)',
    quiet: [10, 11],
    phases: [phase('arrival', [20, 90]), phase('edit', [30]), phase('removal', [40])],
    memory: { now: 100, peak: 200, killed: 0 },
    objects: { chains: 1, rules: 2, sets: 3, elements: 4, elementsOf: {} },
    left: '',
    problems: [],
    longestGap: 5,
    ...changes,
  };
}

const metOf = (row: MeasuredRow): readonly (boolean | undefined)[] => figuresOf(row).map(({ met }) => met);

describe('a row as figures', () => {
  test('waits of all phases together, each phase with its longest', () => {
    const [waits, cost] = figuresOf(measured());
    expect(waits).toMatchObject({ met: true, values: { p50: 40, p99: 90, max: 90 } });
    expect(waits?.measured).toContain('arrival 90 ms, edit 30 ms, removal 40 ms');
    expect(cost).toMatchObject({ met: true, values: { processor: 3, peak: 200 } });
  });

  test('a wait past the goal is not met', () => {
    expect(metOf(measured({ phases: [phase('arrival', [20, 101])] }))).toEqual([false, true]);
  });

  test.each<[string, Partial<MeasuredRow>, string]>([
    ['memory', { memory: { now: 1, peak: 451, killed: 0 } }, 'peak 451 MB'],
    ['what is not given back', { left: '3 sets' }, 'not given back: 3 sets'],
    ['a problem', { problems: ['the agent has ended'] }, 'the agent has ended'],
    [
      'a phase that packets do not show',
      { phases: [{ ...phase('edit', [1]), isAsWritten: false }] },
      'after edit not as written',
    ],
  ])('%s is no goal met, and named', (_, changes, text) => {
    const [, cost] = figuresOf(measured(changes));
    expect(cost?.met).toBe(false);
    expect(cost?.measured).toContain(text);
  });
});

describe('counts of kernel objects', () => {
  const listing = JSON.stringify({
    nftables: [
      { metainfo: {} },
      { chain: { name: 'a' } },
      { rule: {} },
      { rule: {} },
      { set: { name: 'pods4', elem: ['10.0.0.1', '10.0.0.2'] } },
      { map: { name: 'm', elem: [['a', 'b']] } },
      { set: { name: 'cache4-7', elem: ['x', 'y', 'z'] } },
      { set: { name: 'log-pairs4-100-200', flags: ['timeout'], elem: ['x'] } },
      { set: { name: 'empty' } },
    ],
  });

  test('elements of all sets and maps but those that packets add', () => {
    expect(countObjects(listing)).toEqual({
      chains: 1,
      rules: 2,
      sets: 3,
      elements: 3,
      elementsOf: { pods4: 2, m: 1, empty: 0 },
    });
  });

  test('only what there is more of is left over', () => {
    const before = { chains: 1, rules: 2, sets: 3, elements: 4, elementsOf: { a: 2, b: 2 } };
    const after = { chains: 1, rules: 1, sets: 5, elements: 40, elementsOf: { a: 1, b: 30, c: 9 } };
    expect(leftOver(before, after)).toBe('28 elements of b, 9 elements of c, 2 sets');
    expect(leftOver(before, before)).toBe('');
  });
});
