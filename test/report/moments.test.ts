import { expect, test } from '@jest/globals';
import { momentText } from '../../src/report/moments.js';

const now = Date.parse('2026-01-10T12:00:00.000Z');

test.each([
  ['2026-01-10T11:59:56.400Z', '3s ago'],
  ['2026-01-10T11:54:57.000Z', '5m3s ago'],
  ['2026-01-10T09:50:00.000Z', '2h10m ago'],
  ['2026-01-07T08:00:00.000Z', '3d4h ago'],
  ['2026-01-07T12:00:00.000Z', '3d ago'],
  ['2026-01-10T12:00:04.000Z', 'in 4s'],
  ['2026-01-10T12:00:00.000Z', '0ms ago'],
  ['no time', 'no time'],
])('relative: %s is %s', (moment, expected) => {
  expect(momentText('relative', now)(moment)).toBe(expected);
});

test('local: the same moment with the offset of this machine', () => {
  const text = momentText('local', now)('2026-01-10T11:59:56.400Z');
  expect(text).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:56\.400[+-]\d{2}:\d{2}$/);
  expect(Date.parse(text)).toBe(Date.parse('2026-01-10T11:59:56.400Z'));
});

test('utc: as it is recorded', () => {
  expect(momentText('utc', now)('2026-01-10T11:59:56.400Z')).toBe('2026-01-10T11:59:56.400Z');
});
