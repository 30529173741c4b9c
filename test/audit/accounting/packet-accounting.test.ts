import { describe, expect, test } from '@jest/globals';
import { PacketAccounting } from '../../../src/audit/accounting/packet-accounting.js';
import type { Checkpoint } from '../../../src/audit/accounting/checkpoint.js';
import { packetCountOf } from '../../../src/nftables/names/packet-counts.js';

const begun: Checkpoint = { time: 0, counters: {}, pending: 0, suppressed: {} };
const counters = (values: Readonly<Record<string, number>>): ReadonlyMap<string, number> =>
  new Map(Object.entries(values));
const isRead = { start: 0, isRead: true };
const lossesOf = (accounting: PacketAccounting): string[] =>
  accounting.takeLosses().map((loss) => {
    accounting.lossRecorded(loss);
    return `${loss.cause} ${loss.direction ?? 'any'} ${loss.count}`;
  });

describe('PacketAccounting', () => {
  test('dropped and not logged is suppressed; logged and not received is lost', () => {
    const accounting = new PacketAccounting(packetCountOf, begun);
    const logged = accounting.addReading(
      counters({ 'drop-in-1': 90, 'drop-in-2': 10, 'logged-in': 30, 'drop-icmp-error': 5, 'logged-other': 5 }),
      10,
    );
    accounting.compare(logged, { before: 35, during: 0 }, isRead);
    // Packets may have been between their counters when these were read.
    expect(lossesOf(accounting)).toEqual([]);
    const later = counters({
      'drop-in-1': 100,
      'drop-in-2': 10,
      'logged-in': 40,
      'drop-icmp-error': 5,
      'logged-other': 5,
    });
    accounting.compare(accounting.addReading(later, 20), { before: 41, during: 0 }, isRead);
    expect(lossesOf(accounting)).toEqual(['rate-limit ingress 60', 'kernel-queue any 4']);
    accounting.addReading(later, 30);
    expect(lossesOf(accounting)).toEqual(['rate-limit ingress 10']);
    accounting.addWritten(1);
    accounting.addAggregated(40);
    expect(accounting.totals()).toMatchObject({
      observed: 115,
      written: 1,
      aggregated: 40,
      suppressed: 70,
      inFlight: 0,
    });
  });

  test('what arrived during the reading belongs to neither side; it is lost only when the next reading says so', () => {
    const accounting = new PacketAccounting(packetCountOf, begun);
    accounting.compare(
      accounting.addReading(counters({ 'drop-out-1': 9, 'logged-out': 9 }), 10),
      { before: 5, during: 4 },
      isRead,
    );
    expect(lossesOf(accounting)).toEqual([]);
    accounting.compare(
      accounting.addReading(counters({ 'drop-out-1': 9, 'logged-out': 9 }), 20),
      { before: 8, during: 0 },
      isRead,
    );
    expect(lossesOf(accounting)).toEqual(['kernel-queue any 1']);
  });

  test('what a counter means is asked when it is new, and not at each reading; also of those without a meaning', () => {
    const asked: string[] = [];
    const meaningOf = (name: string): ReturnType<typeof packetCountOf> => {
      asked.push(name);
      return packetCountOf(name);
    };
    const accounting = new PacketAccounting(meaningOf, begun);
    const read = (values: Readonly<Record<string, number>>): readonly string[] => {
      accounting.addReading(counters(values), 10);
      return asked.splice(0);
    };
    expect(read({ 'drop-in-1': 1, accepted: 9 })).toEqual(['drop-in-1', 'accepted']);
    expect(read({ 'drop-in-1': 2, accepted: 9, 'drop-out-2': 1 })).toEqual(['drop-out-2']);
    expect(read({ 'drop-in-1': 3 })).toEqual([]);
    // Only those of the last reading are kept; a counter that was gone has begun at 0 again.
    expect(read({ 'drop-in-1': 4, 'drop-out-2': 2 })).toEqual(['drop-out-2']);
    expect(accounting.totals().observed).toBe(4 + 1 + 2);
  });

  test('packets between their two counters are not recorded as suppressed, whichever was read first', () => {
    const accounting = new PacketAccounting(packetCountOf, begun);
    const readings = [
      [10, 8],
      [20, 17],
      [30, 32],
      [40, 38],
      [40, 40],
      [40, 40],
    ] as const;
    for (const [index, [dropped, logged]] of readings.entries()) {
      accounting.addReading(counters({ 'drop-in-1': dropped, 'logged-in': logged }), 10 * index);
      expect(lossesOf(accounting)).toEqual([]);
    }
    expect(accounting.totals().observed).toBe(40);
  });

  test('a run that ends with packets between their counters leaves none of them to the next as suppressed', () => {
    const last = new PacketAccounting(packetCountOf, begun);
    last.addReading(counters({ 'drop-in-1': 10, 'logged-in': 7 }), 10);
    const next = new PacketAccounting(packetCountOf, JSON.parse(JSON.stringify(last.checkpoint())) as Checkpoint);
    for (const time of [20, 30]) next.addReading(counters({ 'drop-in-1': 12, 'logged-in': 10 }), time);
    expect(lossesOf(next)).toEqual(['rate-limit ingress 2']);
    expect(next.totals()).toMatchObject({ observed: 12 });
  });

  test('counters that were removed and came again are counted from zero; so are those of a new table', () => {
    const accounting = new PacketAccounting(packetCountOf, begun);
    accounting.addReading(counters({ 'drop-in-1': 10, 'logged-in': 10 }), 10);
    accounting.countersRemoved(['drop-in-1']);
    expect(accounting.addReading(counters({ 'drop-in-1': 12, 'logged-in': 22 }), 20)).toBe(22);
    expect(accounting.addReading(counters({ 'drop-in-1': 3, 'logged-in': 3 }), 30)).toBe(25);
    expect(lossesOf(accounting)).toEqual([]);
  });

  test('reports are accounted for beside denials, whichever table counts them, and survive the run', () => {
    const accounting = new PacketAccounting(packetCountOf, begun);
    const read = counters({
      'to-report': 50,
      'to-report-guard': 4,
      'logged-report': 20,
      'logged-report-guard': 1,
      'drop-in-1': 3,
    });
    const logged = accounting.addReading(read, 10);
    expect(logged).toBe(21);
    accounting.compare(logged, { before: 21, during: 0 }, isRead);
    const next = new PacketAccounting(packetCountOf, JSON.parse(JSON.stringify(accounting.checkpoint())) as Checkpoint);
    next.addReading(read, 20);
    const losses = next.takeLosses();
    expect(losses.map(({ cause, direction, isReport, count }) => [cause, direction, isReport, count])).toEqual([
      ['rate-limit', 'ingress', undefined, 3],
      ['rate-limit', undefined, true, 33],
    ]);
  });

  test('losses of reports are recorded by direction', () => {
    const accounting = new PacketAccounting(packetCountOf, begun);
    for (const direction of ['ingress', 'egress', 'egress'] as const)
      accounting.addLoss({ cause: 'writer', direction, isReport: true, count: 2, start: 1, end: 2 });
    expect(lossesOf(accounting)).toEqual(['writer ingress 2', 'writer egress 4']);
  });

  test('the next run records what nobody received meanwhile, and what the last one did not get to disk', () => {
    const last = new PacketAccounting(packetCountOf, begun);
    last.compare(
      last.addReading(counters({ 'drop-in-1': 100, 'logged-in': 20 }), 10),
      { before: 20, during: 0 },
      isRead,
    );
    last.addWritten(15);
    const checkpoint = JSON.parse(JSON.stringify(last.checkpoint())) as Checkpoint;
    expect(checkpoint).toMatchObject({ pending: 5, suppressed: { ingress: 80 } });
    const next = new PacketAccounting(packetCountOf, checkpoint);
    next.compare(
      next.addReading(counters({ 'drop-in-1': 150, 'logged-in': 30 }), 20),
      { before: 2, during: 0 },
      isRead,
    );
    next.addReading(counters({ 'drop-in-1': 150, 'logged-in': 30 }), 30);
    expect(lossesOf(next).sort()).toEqual(['agent-down any 13', 'rate-limit ingress 120']);
    next.addWritten(2);
    expect(next.totals()).toMatchObject({ observed: 135, inFlight: 0 });
  });
});
