import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LineReader } from '../../../src/audit/reading/line-reader.js';
import { fieldOf, groupingOf, namedFields } from '../../../src/audit/query/fields.js';
import { Histogram, TimeScale } from '../../../src/audit/query/histogram.js';
import { LossTotals } from '../../../src/audit/query/losses.js';
import { Sequences } from '../../../src/audit/query/sequences.js';
import { Tally } from '../../../src/audit/query/tally.js';
import { formatDuration, parseDuration, parseMoment, TimestampReader } from '../../../src/audit/query/times.js';
import { recordLine } from '../../../src/audit/record.js';
import '../../support/seed.js';
import { deniedRecord, lossRecord } from '../records.js';

describe('times', () => {
  test.each([
    ['90s', 90_000],
    ['2h30m', 9_000_000],
    ['7d', 604_800_000],
    ['1w', 604_800_000],
    ['250ms', 250],
    ['1.5h', undefined],
    ['h', undefined],
    ['', undefined],
  ])('%s lasts %s ms', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  test.each([
    ['10m', Date.UTC(2026, 0, 1, 11, 50)],
    ['2026-01-01T10:00:00.5Z', Date.UTC(2026, 0, 1, 10, 0, 0, 500)],
    ['2026-01-01T10:00:00+02:00', Date.UTC(2026, 0, 1, 8)],
    ['2026-01-01', Date.UTC(2026, 0, 1)],
    ['10:00', undefined],
    ['2026-13-01', undefined],
  ])('%s is a moment, or none', (text, moment) => expect(parseMoment(text, Date.UTC(2026, 0, 1, 12))).toBe(moment));

  test.each([1000, 90_000, 3_600_000, 604_800_000, 1500])('%i ms are printed so that they are read again', (width) =>
    expect(parseDuration(formatDuration(width))).toBe(width),
  );

  test('time stamps of every precision, in any order, as Date.parse reads them', () => {
    const reader = new TimestampReader();
    const time = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2100, 0) });
    fc.assert(
      fc.property(time, fc.integer({ min: 0, max: 9 }), (milliseconds, digits) => {
        const text = `${new Date(milliseconds).toISOString().slice(0, -1)}456789`.slice(
          0,
          digits === 0 ? 19 : 20 + digits,
        );
        expect(reader.read(`${text}Z`)).toBe(Date.parse(`${text}Z`));
      }),
    );
  });
});

describe('over time', () => {
  test('buckets never grow beyond what fits, and their counts always add up', () => {
    const events = fc.array(fc.tuple(fc.integer({ min: 0, max: 10_000_000 }), fc.integer({ min: 1, max: 9 })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(events, (added) => {
        const scale = new TimeScale(10, 16);
        const [all, some] = [new Histogram(scale), new Histogram(scale)];
        for (const [index, [time, count]] of added.entries()) {
          scale.include(time);
          all.add(time, count);
          if (index % 3 === 0) some.add(time, count);
        }
        const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
        expect(all.counts.length).toBeLessThanOrEqual(16);
        expect(some.counts).toHaveLength(all.counts.length);
        expect(sum(all.counts)).toBe(sum(added.map(([, count]) => count)));
        const expected = scale.starts.map((start) =>
          sum(added.filter(([time]) => time >= start && time < start + scale.width).map(([, count]) => count)),
        );
        expect(all.counts).toEqual(expected);
      }),
    );
  });
});

describe('groups', () => {
  const tallyOf = (by: readonly string[], ...records: readonly Parameters<typeof recordLine>[0][]): Tally => {
    const fields = by.flatMap((name) => groupingOf(name) ?? []);
    const tally = new Tally({ fields, scale: new TimeScale(1000, 10), samples: true });
    const reader = new LineReader();
    for (const record of records) tally.add(reader.take(recordLine(record).trimEnd()));
    return tally;
  };

  test('what no rule decided is counted for every policy that isolates, and the sum of packets stays', () => {
    const tally = tallyOf(
      ['policy', 'reason'],
      deniedRecord({ 'podwall.policies.isolating': ['db/pg-in', 'db/default-deny'], 'podwall.count': 5 }),
      deniedRecord({ 'security_rule.name': 'ingress[0]', 'podwall.reason': 'rule' }),
    );
    expect(tally.groups().map(({ key, count }) => [...key, count])).toEqual([
      ['db/default-deny', 'default-deny', 5],
      ['db/pg-in', 'default-deny', 5],
      ['db/pg-in', 'rule', 1],
    ]);
    expect([tally.count, tally.records, tally.isOverlapping]).toEqual([6, 2, true]);
    expect(tallyOf(['reason'], deniedRecord({})).isOverlapping).toBe(false);
  });

  test('every short name says something of a record', () => {
    const line = new LineReader().take(recordLine(deniedRecord({ 'security_rule.name': 'ingress[0]' })).trimEnd());
    expect(Object.fromEntries([...namedFields].map(([name, field]) => [name, field(line)]))).toEqual({
      from: 'shop/Deployment/web',
      'from-pod': 'shop/web-1',
      'from-namespace': 'shop',
      'from-ip': '10.0.1.3',
      to: 'db/Pod/pg-0',
      'to-pod': 'db/pg-0',
      'to-namespace': 'db',
      'to-ip': '10.0.2.2',
      port: '8080/TCP',
      protocol: 'tcp',
      direction: 'ingress',
      verdict: 'deny',
      reason: 'default-deny',
      mode: 'enforce',
      policy: 'db/pg-in',
      rule: 'ingress[0]',
      node: 'n1',
    });
    expect(fieldOf('colour')).toBeUndefined();
    const dryRun = new LineReader().take(recordLine(deniedRecord({}, 'deny', 'dry-run')).trimEnd());
    expect(fieldOf('verdict')?.(dryRun)).toBe('would deny');
  });

  test('packets are counted with what they stand for; the sample is of the latest policy set', () => {
    const [one, other] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`];
    const tally = tallyOf(
      ['port'],
      deniedRecord({ 'podwall.count': 5, 'podwall.sampled': 10, 'podwall.snapshot': one }),
      deniedRecord({ 'podwall.snapshot': other, 'event.id': 'second' }),
      deniedRecord({ 'podwall.snapshot': other, 'event.id': 'third', '@timestamp': '2026-11-22T09:00:00Z' }),
      deniedRecord({ 'destination.port': 53, 'network.transport': 'udp' }),
    );
    const [first, second] = tally.groups();
    expect(first).toMatchObject({ key: ['8080/TCP'], count: 52, records: 3, first: Date.UTC(2026, 10, 22, 9) });
    expect(first?.sample).toContain('"event.id":"second"');
    expect(second).toMatchObject({ key: ['53/UDP'], count: 1 });
    expect(tally.count).toBe(53);
  });

  test('beyond 50,000 groups records are counted, and no longer grouped', () => {
    const many = Array.from({ length: 50_010 }, (_, index) =>
      deniedRecord({ 'source.address': `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}` }),
    );
    const tally = tallyOf(['from-ip'], ...many);
    expect([tally.groups().length, tally.ungrouped, tally.records]).toEqual([50_000, 10, 50_010]);
  });
});

describe('losses', () => {
  test('add up by cause, node and scope', () => {
    const losses = new LossTotals();
    losses.add(lossRecord('writer', 3));
    losses.add(lossRecord('writer', 4, { 'event.end': '2026-11-22T11:00:00Z' }));
    losses.add(lossRecord('agent-down', 100, { 'podwall.loss.scope': {} }));
    expect(losses.count).toBe(107);
    expect(losses.totals()).toMatchObject([
      { cause: 'agent-down', count: 100 },
      { cause: 'writer', count: 7, records: 2, first: '2026-11-22T10:00:00Z', last: '2026-11-22T11:00:00Z' },
    ]);
  });
});

describe('sequences', () => {
  const runsOf = (...lines: readonly (readonly [boot: string, sequence: number, time?: string])[]) => {
    const sequences = new Sequences();
    for (const [boot, sequence, time = '2026-11-22T10:00:00Z'] of lines)
      sequences.add(deniedRecord({ 'podwall.boot_id': boot, 'event.sequence': sequence, '@timestamp': time }));
    return sequences.runs();
  };

  test('gaps within a run; the beginning of the first run may be gone, that of a later one may not', () => {
    const [first, second] = runsOf(
      ['a', 7],
      ['a', 8],
      ['a', 11],
      ['b', 3, '2026-11-22T11:00:00Z'],
      ['b', 4, '2026-11-22T11:00:01Z'],
    );
    expect(first).toMatchObject({ boot: 'a', first: 7, last: 11, gaps: [{ first: 9, last: 10 }], missingBefore: 0 });
    expect(second).toMatchObject({ boot: 'b', gaps: [], missingBefore: 2 });
  });

  test('in whatever order the lines come, and however often', () => {
    const lines = fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
    fc.assert(
      fc.property(lines, fc.nat({ max: 3 }), (sequences, again) => {
        const repeated = sequences.slice(0, again);
        const [run] = runsOf(...[...sequences, ...repeated].map((sequence) => ['a', sequence] as const));
        const [first, last] = [Math.min(...sequences), Math.max(...sequences)];
        const missing = Array.from({ length: last - first + 1 }, (_, index) => first + index).filter(
          (sequence) => !sequences.includes(sequence),
        );
        const gaps = run?.gaps ?? [];
        expect(
          gaps.flatMap((gap) => Array.from({ length: gap.last - gap.first + 1 }, (_, at) => gap.first + at)),
        ).toEqual(missing);
        expect([run?.first, run?.last, run?.repeated]).toEqual([first, last, repeated.length]);
      }),
    );
  });
});
