import { expect, test } from '@jest/globals';
import { growthOf, type Reading } from './growth.js';

const readings = (memory: (minute: number) => number, descriptors: (minute: number) => number = () => 30): Reading[] =>
  Array.from({ length: 12 }, (_, minute) => ({
    ...{ minute, 'memory (MB)': memory(minute), descriptors: descriptors(minute) },
    ...{ children: 3, 'kernel objects': 40 },
  }));

test('what a process takes while it begins is no growth, nor is what comes and goes', () => {
  const begins = readings((minute) => (minute < 4 ? 60 + 20 * minute : 140 + (minute % 2)));
  expect(growthOf(begins, 'memory (MB)').grows).toBe(false);
  expect(growthOf(begins, 'descriptors')).toMatchObject({ slope: 0, grows: false });
});

test('a leak is found: of memory, and of one descriptor a minute', () => {
  const leaks = readings(
    (minute) => 100 + 3 * minute,
    (minute) => 30 + minute,
  );
  expect(growthOf(leaks, 'memory (MB)')).toMatchObject({ first: 112, last: 133, grows: true });
  expect(growthOf(leaks, 'descriptors').slope).toBeCloseTo(1);
  expect(growthOf(leaks, 'descriptors').grows).toBe(true);
});

test('nothing is concluded from one reading', () => {
  expect(() => growthOf(readings(() => 1).slice(0, 1), 'children')).toThrow('too short');
});
