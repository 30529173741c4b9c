/** One suite for the reader of NFLOG and the fake that stands in for it elsewhere. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pathToFileURL } from 'node:url';
import { openNflog, type NflogOptions, type NflogReader } from '../../src/kernel/nflog/nflog-reader.js';
import type { Observation, ObservedBatch } from '../../src/model/observation.js';
import { FakeNflog } from '../support/fake-nflog.js';
import { inNamed } from '../support/lab/libc.js';
import {
  icmpEcho,
  icmpError,
  ipv4Fragments,
  ipv4Packet,
  sctpInit,
  tcpFlags,
  tcpSegment,
  udpDatagram,
} from '../support/lab/packets.js';
import { icmpv6Message, ipv6Packet, withFragmentHeader, withOptions } from '../support/lab/packets6.js';
import { sendIp } from '../support/lab/raw.js';
import { describePackets } from '../support/lab/requirements.js';
import { NftNamespace } from './nft-namespace.js';
import { nflogWorker } from '../support/product.js';

const prefix = 'podwall deny-test original';
const endpoints4 = { source: '10.9.0.1', destination: '10.9.0.2' };
const endpoints6 = { source: 'fd09::1', destination: 'fd09::2' };
const ports = { sourcePort: 40_000, destinationPort: 80 };
const tuple = { source: 40_000, destination: 80 };
const tcp = (endpoints: typeof endpoints4, flags: number): Buffer =>
  tcpSegment({ ...endpoints, ...ports, protocol: 6 }, { flags }, Buffer.from('GET / HTTP/1.1'));
const udp4 = ipv4Packet(
  { ...endpoints4, protocol: 17 },
  udpDatagram({ ...endpoints4, ...ports, protocol: 17 }, Buffer.alloc(500)),
);
const udp6 = udpDatagram({ ...endpoints6, ...ports, protocol: 17 }, Buffer.alloc(16));
const [head, tail] = ipv4Fragments(udp4, 256);
const in6 = (protocol: number, payload: Buffer): Buffer => ipv6Packet({ ...endpoints6, protocol }, payload);

const packets: readonly (readonly [string, Buffer, Omit<Observation, 'time' | 'prefix' | 'source' | 'destination'>])[] =
  [
    [
      'a SYN',
      ipv4Packet({ ...endpoints4, protocol: 6 }, tcp(endpoints4, tcpFlags.syn)),
      { protocol: 6, ports: tuple, tcpFlags: 2, bytes: 54 },
    ],
    ['UDP longer than what is copied', udp4, { protocol: 17, ports: tuple, bytes: 528 }],
    ['the first fragment', head, { protocol: 17, ports: tuple, bytes: 276 }],
    ['a later fragment, which has no ports', tail, { protocol: 17, bytes: 272 }],
    [
      'SCTP',
      ipv4Packet({ ...endpoints4, protocol: 132 }, sctpInit(ports, 1, 7)),
      { protocol: 132, ports: tuple, bytes: 52 },
    ],
    [
      'a ping',
      ipv4Packet({ ...endpoints4, protocol: 1 }, icmpEcho(4, 7)),
      { protocol: 1, icmp: { type: 8, code: 0 }, bytes: 36 },
    ],
    [
      'an ICMP error',
      ipv4Packet({ ...endpoints4, protocol: 1 }, icmpError(3, 4, udp4.subarray(0, 28))),
      { protocol: 1, icmp: { type: 3, code: 4 }, bytes: 56 },
    ],
    [
      'a protocol without ports',
      ipv4Packet({ ...endpoints4, protocol: 47 }, Buffer.alloc(8)),
      { protocol: 47, bytes: 28 },
    ],
    [
      'TCP over IPv6',
      in6(6, tcp(endpoints6, tcpFlags.fin | tcpFlags.ack)),
      { protocol: 6, ports: tuple, tcpFlags: 17, bytes: 74 },
    ],
    ['UDP behind options', in6(60, withOptions(17, udp6, 'padding')), { protocol: 17, ports: tuple, bytes: 72 }],
    [
      'the first fragment of IPv6',
      in6(44, withFragmentHeader({ nextHeader: 17, offset: 0, more: true }, udp6)),
      { protocol: 17, ports: tuple, bytes: 72 },
    ],
    [
      'a later fragment of IPv6',
      in6(44, withFragmentHeader({ nextHeader: 17, offset: 8, more: false }, udp6)),
      { protocol: 17, bytes: 72 },
    ],
    [
      'a ping over IPv6',
      in6(58, icmpv6Message(endpoints6, { type: 128 }, Buffer.alloc(8))),
      { protocol: 58, icmp: { type: 128, code: 0 }, bytes: 52 },
    ],
  ];

interface Harness {
  /** Has a packet logged. */
  readonly log: (packet: Buffer) => void;
  readonly open: (options: Pick<NflogOptions, 'onBatch' | 'onFailure'>) => Promise<NflogReader>;
}

function suite(harness: () => Harness): void {
  const listen = async (batches: ObservedBatch[]): Promise<NflogReader> => {
    const unexpected = (error: Error): never => {
      throw error;
    };
    return harness().open({ onBatch: (batch) => batches.push(batch), onFailure: unexpected });
  };

  test.each(packets)('%s', async (_, packet, expected) => {
    const batches: ObservedBatch[] = [];
    const before = Date.now();
    await using reader = await listen(batches);
    harness().log(packet);
    expect(await reader.drained()).toBe(true);
    const [first] = batches;
    const { source, destination } = (packet[0] ?? 0) >> 4 === 4 ? endpoints4 : endpoints6;
    const { time, ...seen } = first?.observations[0] ?? { time: 0 };
    expect(seen).toEqual({ prefix, device: 'lo', source, destination, ...expected });
    expect(time).toBeGreaterThanOrEqual(before - 1);
    expect(time).toBeLessThanOrEqual(Date.now() + 1);
    expect(batches).toHaveLength(1);
    expect(first).toMatchObject({ unreadable: 0 });
    expect(first?.missed).toBeUndefined();
  });

  test('all that was logged before the question is there with its answer, in order and without a gap', async () => {
    const batches: ObservedBatch[] = [];
    await using reader = await listen(batches);
    for (let port = 1; port <= 500; port += 1)
      harness().log(
        ipv4Packet(
          { ...endpoints4, protocol: 17 },
          udpDatagram({ ...endpoints4, protocol: 17, sourcePort: port, destinationPort: 9 }, Buffer.alloc(1)),
        ),
      );
    await reader.drained();
    const seen = batches.flatMap(({ observations }) => observations.map((one) => one.ports?.source));
    expect(seen).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
    expect(batches.filter(({ missed }) => missed !== undefined)).toEqual([]);
  });

  test('a group has one reader: the second gets an error, and the group when the first has ended', async () => {
    const batches: ObservedBatch[] = [];
    const first = await listen([]);
    await expect(listen(batches)).rejects.toMatchObject({ name: 'NflogError', reason: 'group-in-use' });
    await first[Symbol.asyncDispose]();
    await using second = await listen(batches);
    harness().log(udp4);
    await second.drained();
    expect(batches.flatMap(({ observations }) => observations)).toHaveLength(1);
  });
}

describe('the fake', () => {
  const fake = new FakeNflog();
  suite(() => ({ log: (packet) => fake.log(prefix, packet), open: (options) => fake.open(options) }));

  test('what the reader had no room for is missed, between the packets before and after', async () => {
    const batches: ObservedBatch[] = [];
    await using reader = await fake.open({ onBatch: (batch) => batches.push(batch) });
    fake.log(prefix, udp4, 1000);
    fake.lose(7);
    fake.log(prefix, udp4, 3000);
    expect(await reader.drained()).toBe(true);
    expect(batches.map(({ missed }) => missed)).toEqual([undefined, { count: 7, start: 1000, end: 3000 }]);
  });
});

describePackets('the kernel', () => {
  const worker = pathToFileURL(nflogWorker);
  let kernel: NftNamespace;

  beforeAll(() => {
    kernel = new NftNamespace();
    kernel.run('ip', 'link', 'set', 'lo', 'up');
    for (const address of ['10.9.0.1/32', '10.9.0.2/32', 'fd09::1/128', 'fd09::2/128'])
      kernel.run('ip', 'address', 'add', address, 'dev', 'lo');
    kernel.load(`table inet logged {
      chain logged {
        type filter hook prerouting priority -450;
        ip daddr 10.9.0.2 log prefix "${prefix}" group 7 snaplen 128 queue-threshold 16
        ip6 daddr fd09::2 log prefix "${prefix}" group 7 snaplen 128 queue-threshold 16
      }
    }`);
  });
  afterAll(() => kernel[Symbol.dispose]());

  describe.each([false, true])('with other work under way: %s', (isBusy) => {
    suite(() => ({
      log: (packet) => sendIp(kernel.name, packet),
      open: (options) => inNamed(kernel.name, () => openNflog({ ...options, group: 7, worker, isBusy: () => isBusy })),
    }));
  });

  test('a flood is dealt with a slice at a time while there is other work, all of it and in order', async () => {
    const [times, turns] = [[] as number[], [] as number[]];
    let turn = 0;
    await using reader = await inNamed(kernel.name, () =>
      openNflog({
        ...{ group: 7, worker, isBusy: () => true },
        onBatch: ({ observations }) => {
          times.push(...observations.map(({ time }) => time));
          turns.push(turn);
          expect(observations.length).toBeLessThanOrEqual(64);
        },
        onFailure: (error) => {
          throw error;
        },
      }),
    );
    const packet = ipv4Packet({ ...endpoints4, protocol: 6 }, tcp(endpoints4, tcpFlags.syn));
    const beat = setInterval(() => (turn += 1), 0);
    for (let count = 0; count < 2000; count += 1) sendIp(kernel.name, packet);
    expect(await reader.drained()).toBe(true);
    clearInterval(beat);
    expect(times).toHaveLength(2000);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(new Set(turns).size).toBeGreaterThan(3);
  });
});
