import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Aggregator } from '../../../src/audit/writing/aggregator.js';
import type { LoggedPacket } from '../../../src/audit/attribution/logged-packet.js';
import type { Address } from '../../../src/model/address.js';
import { seed } from '../../support/seed.js';

const denial = (
  time: number,
  change: { chain?: string; port?: number; sourcePort?: number; uid?: string } = {},
): LoggedPacket => {
  const { chain = 'deny-in-1', port = 80, sourcePort = 40_000, uid = 'a' } = change;
  const [source, destination] = ['10.0.0.1', '10.0.0.2'] as Address[];
  const pod = { ref: { namespace: 'x', name: 'web' }, uid } as NonNullable<LoggedPacket['source']['pod']>;
  return {
    packet: {
      time,
      prefix: '',
      source: source as Address,
      destination: destination as Address,
      protocol: 6,
      ports: { source: sourcePort, destination: port },
      bytes: 60,
    },
    sender: { address: source as Address, class: 'pod', pod },
    chain,
    verdict: 'deny',
    mode: 'enforce',
    reason: 'default-deny',
    direction: 'ingress',
    source: { address: source as Address, port: sourcePort, class: 'pod', pod },
    destination: { address: destination as Address, port, class: 'external' },
    isolating: [],
    trace: [],
  };
};

describe('Aggregator', () => {
  let reported: string[];
  let aggregator: Aggregator;
  const report = (kind: string) => (one: LoggedPacket, counted: { count: number; start: number; end: number }) =>
    void reported.push(
      `${kind} ${one.destination.port ?? ''}: ${counted.count} from ${counted.start} to ${counted.end}`,
    );
  beforeEach(() => {
    reported = [];
    aggregator = new Aggregator({
      window: 5000,
      size: 2,
      onFirst: report('first'),
      onRepeats: report('sum'),
    });
  });

  test('the first at once, repeats as one sum when the time is over, whatever their source port', () => {
    for (const time of [0, 1000, 2000]) aggregator.add(denial(time, { sourcePort: 1 + time }), time);
    expect(reported).toEqual(['first 80: 1 from 0 to 0']);
    aggregator.flush(4999);
    expect(aggregator.pending).toBe(2);
    aggregator.flush(5000);
    expect(reported.slice(1)).toEqual(['sum 80: 2 from 1000 to 2000']);
    expect(aggregator.pending).toBe(0);
  });

  test('what differs in chain, port or pod has a record of its own', () => {
    aggregator.add(denial(0), 0);
    aggregator.add(denial(0, { uid: 'b' }), 0);
    expect(reported).toHaveLength(2);
    aggregator.flush();
    aggregator.add(denial(0, { chain: 'deny-in-2' }), 0);
    aggregator.add(denial(0, { port: 81 }), 0);
    expect(reported).toHaveLength(4);
  });

  test('after its time a repeat is a first one again', () => {
    aggregator.add(denial(0), 0);
    aggregator.add(denial(10), 10);
    aggregator.add(denial(6000), 6000);
    expect(reported).toEqual(['first 80: 1 from 0 to 0', 'sum 80: 1 from 10 to 10', 'first 80: 1 from 6000 to 6000']);
  });

  test('without room the oldest kind ends early, and none is lost', () => {
    for (const port of [80, 80, 81, 82, 81]) aggregator.add(denial(0, { port }), 0);
    aggregator.flush();
    expect(reported).toEqual([
      'first 80: 1 from 0 to 0',
      'first 81: 1 from 0 to 0',
      'sum 80: 1 from 0 to 0',
      'first 82: 1 from 0 to 0',
      'sum 81: 1 from 0 to 0',
    ]);
  });

  test('every packet is recorded exactly once', () => {
    const packets = fc.array(fc.record({ wait: fc.nat(3000), port: fc.nat(4) }), { maxLength: 60 });
    fc.assert(
      fc.property(packets, (list) => {
        let [counted, now] = [0, 0];
        const counting = new Aggregator({
          window: 5000,
          size: 3,
          onFirst: (_, { count }) => (counted += count),
          onRepeats: (_, { count }) => (counted += count),
        });
        for (const { wait, port } of list) {
          now += wait;
          counting.flush(now);
          counting.add(denial(now, { port }), now);
        }
        expect(counted + counting.pending).toBe(list.length);
        counting.flush();
        expect(counted).toBe(list.length);
      }),
      { seed },
    );
  });
});
