import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LoggedPacket } from '../../../src/audit/attribution/logged-packet.js';
import { DistinctCount } from '../../../src/audit/sharing/distinct-count.js';
import { ScanSums, type ScanSum } from '../../../src/audit/sharing/scan-sums.js';
import type { Address } from '../../../src/model/address.js';
import { seed } from '../../support/seed.js';

const denied = (sender: number, { policy = 0, to = 0, port = 80, time = 0 } = {}): LoggedPacket => {
  const [source, destination] = [`10.0.${sender >> 8}.${sender & 255}`, `10.1.${to >> 8}.${to & 255}`] as Address[];
  const [from, at] = [source as Address, destination as Address];
  return {
    packet: {
      ...{ time, prefix: '', source: from, destination: at, protocol: 6 },
      ...{ ports: { source: 4000, destination: port }, bytes: 60 },
    },
    sender: { address: from, class: 'external' },
    ...{ chain: 'deny-in-1', verdict: 'deny', mode: 'enforce', reason: 'default-deny', direction: 'ingress' },
    source: { address: from, class: 'external' },
    destination: { address: at, port, class: 'external' },
    isolating: [{ kind: 'NetworkPolicy', namespace: 'x', name: `p${policy}` }],
    trace: [],
  };
};

describe('ScanSums', () => {
  test('one sum for each sender, policy set and window, whose time doubles to a minute', () => {
    const sums: ScanSum[] = [];
    const scans = new ScanSums((sum) => sums.push(sum));
    const times: number[] = [];
    for (let now = 0; now < 300_000; now += 1000) {
      scans.add(denied(1, { to: (now / 1000) % 8, port: 80 + (now % 3), time: now }), now);
      const before = sums.length;
      scans.flush(now);
      if (sums.length > before) times.push(now);
    }
    expect(times.map((time, index) => time - (times[index - 1] ?? 0))).toEqual([
      5000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000,
    ]);
    expect(sums[2]).toMatchObject({ senders: 1, sources: 1, addresses: 8, isOfOneSet: true, packets: { count: 20 } });
    expect(sums[2]?.first).toHaveLength(5);
  });

  test('every packet is in one sum, however many senders and policy sets there are', () => {
    const packets = fc.array(fc.record({ sender: fc.nat(6000), policy: fc.nat(60), wait: fc.nat(50) }), {
      maxLength: 3000,
    });
    fc.assert(
      fc.property(packets, (list) => {
        let [counted, now] = [0, 0];
        const scans = new ScanSums(({ packets: { count } }) => (counted += count));
        for (const { wait, sender, policy } of list) {
          now += wait;
          scans.add(denied(sender, { policy }), now);
          scans.flush(now);
        }
        expect(counted + scans.pending).toBe(list.length);
        scans.flush();
        expect([counted, scans.pending]).toEqual([list.length, 0]);
      }),
      { seed, numRuns: 20 },
    );
  });

  test('without room, policy sets are summed together first, then senders', () => {
    const sums: ScanSum[] = [];
    const scans = new ScanSums((sum) => sums.push(sum));
    for (let policy = 0; policy < 40; policy += 1) scans.add(denied(1, { policy }), 0);
    for (let sender = 2; sender < 5000; sender += 1) scans.add(denied(sender), 0);
    scans.flush();
    expect(sums.length).toBeLessThan(2100);
    const together = sums.find(({ isOfOneSender, isOfOneSet }) => isOfOneSender && !isOfOneSet);
    expect(together?.packets.count).toBe(8);
    const others = sums.find(({ isOfOneSender }) => !isOfOneSender);
    expect(others?.packets.count).toBeGreaterThan(2900);
    expect(Math.abs((others?.senders ?? 0) / (others?.packets.count ?? 1) - 1)).toBeLessThan(0.05);
  });
});

test.each([1, 64, 65, 1000, 40_000, 100_000])('DistinctCount: of %d values, exact or within 3 %%', (values) => {
  const counted = new DistinctCount();
  for (let round = 0; round < 2; round += 1) for (let value = 0; value < values; value += 1) counted.add(`v${value}`);
  if (values <= 64) expect(counted.count).toBe(values);
  else expect(Math.abs(counted.count / values - 1)).toBeLessThan(0.03);
});
