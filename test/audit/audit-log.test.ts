/** The whole of the audit log over a fake NFLOG, with the kernel's counters at hand. */
import { describe, expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import type { Checkpoint } from '../../src/audit/accounting/checkpoint.js';
import { Attribution } from '../../src/audit/attribution/attribution.js';
import { AuditLog } from '../../src/audit/audit-log.js';
import { isEvent, isScan, type AuditRecord } from '../../src/audit/record.js';
import { schemaChecker } from '../../src/audit/record-schema.js';
import { Sink } from '../../src/audit/writing/sink.js';
import { parseLogPrefix } from '../../src/nftables/names/log-prefix.js';
import { packetCountOf } from '../../src/nftables/names/packet-counts.js';
import { decisionNames } from '../../src/nftables/render/decisions.js';
import { FakeNflog } from '../support/fake-nflog.js';
import { packetsRecorded } from '../support/lab/audit-trail.js';
import { ipv4Packet, udpDatagram } from '../support/lab/packets.js';
import { until } from '../support/until.js';

const endpoints = { source: '10.0.0.1', destination: '10.0.0.2', protocol: 17 };
const packet = (destinationPort: number, to: Partial<typeof endpoints> = {}): Buffer => {
  const tuple = { ...endpoints, ...to };
  return ipv4Packet(tuple, udpDatagram({ ...tuple, sourcePort: 4000, destinationPort }, Buffer.from('secret payload')));
};

const check = schemaChecker();
const isValid = (record: AuditRecord): boolean => check(record).length === 0;

class LoggingNode {
  nflog = new FakeNflog();
  readonly lines: string[] = [];
  readonly scanLines: string[] = [];
  readonly problems: string[] = [];
  readonly counters = new Map([
    ['drop-in-1', 0],
    ['logged-in', 0],
    ['to-report', 0],
    ['logged-report', 0],
  ]);
  checkpoint: Checkpoint | undefined;
  isCheckpointUnreadable = false;
  hasDisk = true;
  savesCheckpoints = true;
  #run = 0;
  capacity = 1e6;

  start(): Promise<AuditLog> {
    this.#run += 1;
    const run = this.#run;
    const isAlive = (): boolean => run === this.#run;
    const sinkTo = (lines: string[]): Sink => {
      const write = (text: string): Promise<void> => {
        if (!isAlive()) return Promise.resolve();
        if (!this.hasDisk) return Promise.reject(new Error('ENOSPC'));
        lines.push(...text.split('\n').slice(0, -1));
        return Promise.resolve();
      };
      const limits = { capacity: this.capacity, retryAfter: 5, settledAfter: 5, onWriteState: () => undefined };
      return new Sink({ write, close: () => Promise.resolve() }, limits);
    };
    const note = (fields: object, message: string): void =>
      void this.problems.push(`${message}: ${JSON.stringify(fields)}`);
    return AuditLog.start({
      attribution: new Attribution({
        names: decisionNames,
        parsePrefix: parseLogPrefix,
      }),
      sink: sinkTo(this.lines),
      scanSink: sinkTo(this.scanLines),
      senderRate: 20,
      readCounters: () => Promise.resolve(this.counters),
      packetCountOf,
      openReader: (onBatch) => this.nflog.open({ onBatch }),
      checkpoints: {
        load: () =>
          Promise.resolve(this.isCheckpointUnreadable ? { isUnreadable: true, time: Date.now() } : this.checkpoint),
        save: (checkpoint) => {
          if (isAlive() && this.savesCheckpoints) this.checkpoint = structuredClone(checkpoint);
          return Promise.resolve();
        },
      },
      linesInReverse: () => Readable.from(this.lines.toReversed()),
      scanLinesInReverse: () => Readable.from(this.scanLines.toReversed()),
      origin: { node: 'n1', version: '1', bootId: `boot-${run}` },
      now: Date.now,
      log: { warn: note, error: note },
    });
  }

  /** The run that reads now does nothing any more. */
  kill(): void {
    this.#run += 1;
    this.nflog = new FakeNflog();
    this.savesCheckpoints = true;
  }

  /** A packet is denied; the limits let it through or not. */
  deny(port: number, isLogged = true, to: Partial<typeof endpoints> = {}): void {
    this.#count('drop-in-1');
    if (!isLogged) return;
    this.#count('logged-in');
    this.nflog.log('podwall deny-in-1 original', packet(port, to));
  }

  /** A bridge shows a frame to pods, and none may have it. */
  broadcast(port: number, devices: readonly string[]): void {
    for (const device of devices) {
      this.#count('drop-in-1');
      this.#count('logged-in');
      this.nflog.log(`podwall to-${device} packet`, packet(port, { destination: '224.0.0.251' }));
    }
  }

  /** A packet passes, and a dry run would deny it. */
  report(port: number, isLogged = true): void {
    this.#count('to-report');
    if (!isLogged) return;
    this.#count('logged-report');
    this.nflog.log('podwall dry-run-deny-in-1 original', packet(port));
  }

  /** Logged, and the queue has no room for it. */
  overrun(): void {
    this.#count('drop-in-1');
    this.#count('logged-in');
    this.nflog.lose(1);
  }

  records(): AuditRecord[] {
    return [...this.lines, ...this.scanLines].map((line) => JSON.parse(line) as AuditRecord);
  }

  recorded(cause?: string): number {
    return packetsRecorded(
      this.records().filter(
        (record) => cause === undefined || ('podwall.loss.cause' in record && record['podwall.loss.cause'] === cause),
      ),
    );
  }

  #count(name: string): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + 1);
  }
}

describe('AuditLog', () => {
  test('written, summed, suppressed or lost: every packet is accounted for once', async () => {
    const node = new LoggingNode();
    const log = await node.start();
    for (let round = 0; round < 10; round += 1) node.deny(80);
    node.deny(81);
    for (let round = 0; round < 7; round += 1) node.deny(80, false);
    for (let round = 0; round < 3; round += 1) node.overrun();
    node.deny(82);
    await log[Symbol.asyncDispose]();
    expect(log.totals()).toEqual({
      observed: 22,
      written: 3,
      aggregated: 9,
      suppressed: 7,
      lost: { 'kernel-queue': 3, 'agg-map-full': 0, writer: 0, rotation: 0, 'agent-down': 0 },
      inFlight: 0,
    });
    expect(node.recorded()).toBe(22);
    expect(node.records().map((record) => record['event.sequence'])).toEqual(node.lines.map((_, index) => index + 1));
    expect(node.lines.join('')).not.toContain('secret');
    expect(node.problems).toEqual([]);
  });

  test('a disk that is full: what finds no room is a loss, recorded when there is room again', async () => {
    const node = new LoggingNode();
    node.capacity = 3000;
    node.hasDisk = false;
    const log = await node.start();
    for (let port = 1; port <= 20; port += 1) node.deny(port);
    node.hasDisk = true;
    await until(() => log.totals().written > 0);
    await log[Symbol.asyncDispose]();
    expect(node.recorded('writer')).toBeGreaterThan(10);
    expect(node.recorded()).toBe(20);
    expect(log.totals().inFlight).toBe(0);
  });

  test('the file that has the records is removed: they are a loss by rotation, recorded once, after a kill too', async () => {
    const node = new LoggingNode();
    const first = await node.start();
    for (let round = 0; round < 4; round += 1) node.deny(80);
    node.report(80);
    await until(() => first.totals().inFlight === 0 && node.recorded() === 5, 10_000);
    await first.fileEnded('rotated');
    node.deny(81);
    node.deny(82);
    await until(() => first.totals().written === 4, 10_000);
    node.lines.length = 0;
    await first.fileEnded('removed');
    node.savesCheckpoints = false;
    node.deny(83);
    await until(() => node.recorded('rotation') > 0, 10_000);
    expect(
      node.records().map((record) => ('podwall.loss.scope' in record ? record['podwall.loss.scope'] : 'event')),
    ).toEqual(['event', { direction: 'ingress', verdict: 'deny' }]);
    expect(first.totals()).toMatchObject({ observed: 8, written: 5, lost: { rotation: 2 }, inFlight: 0 });
    node.kill();
    node.deny(84);
    const second = await node.start();
    await second[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    expect([node.recorded('rotation'), node.recorded('agent-down')]).toEqual([2, 1]);
    expect(second.totals().inFlight).toBe(0);
  });

  test('what was denied while no agent read is recorded by the next one, exactly', async () => {
    const node = new LoggingNode();
    const first = await node.start();
    node.deny(80);
    await first[Symbol.asyncDispose]();
    for (let round = 0; round < 4; round += 1) node.deny(80);
    node.deny(80, false);
    const second = await node.start();
    node.deny(80);
    await second[Symbol.asyncDispose]();
    expect(node.recorded('agent-down')).toBe(4);
    expect(node.recorded('rate-limit')).toBe(1);
    expect(node.recorded()).toBe(7);
  });

  test('a checkpoint that cannot be read: it is reported, and what no line accounts for is recorded as lost', async () => {
    const node = new LoggingNode();
    const first = await node.start();
    for (let port = 1; port <= 3; port += 1) node.deny(port);
    await first[Symbol.asyncDispose]();
    for (let round = 0; round < 4; round += 1) node.deny(80);
    node.deny(80, false);
    node.isCheckpointUnreadable = true;
    const second = await node.start();
    node.deny(80);
    await second[Symbol.asyncDispose]();
    expect(node.problems).toEqual([expect.stringContaining('the checkpoint of the audit log cannot be read')]);
    expect([node.recorded('agent-down'), node.recorded('rate-limit'), node.recorded()]).toEqual([4, 1, 9]);
    expect(second.totals().inFlight).toBe(0);
  });

  test.each([
    ['the last checkpoint knows of no line', 0],
    ['the last checkpoint knows of some lines', 5],
  ])('killed, %s: what lines account for is not recorded again, exactly', async (_, before) => {
    const node = new LoggingNode();
    const first = await node.start();
    for (let port = 1; port <= before; port += 1) node.deny(port);
    await until(() => (node.checkpoint?.written?.sequence ?? -1) >= before);
    node.savesCheckpoints = false;
    for (let port = 1; port <= 4; port += 1) node.deny(100 + port);
    for (let round = 0; round < 6; round += 1) node.deny(101);
    for (let round = 0; round < 7; round += 1) node.deny(80, false);
    for (let round = 0; round < 3; round += 1) node.overrun();
    node.deny(105);
    await until(() => node.recorded('rate-limit') === 7 && node.recorded('kernel-queue') === 3, 10_000);
    node.kill();
    for (let round = 0; round < 8; round += 1) node.deny(80);
    const second = await node.start();
    node.deny(80);
    await second[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    expect(node.recorded('agent-down')).toBeGreaterThanOrEqual(8);
    expect(node.recorded()).toBe(before + 4 + 6 + 7 + 3 + 1 + 8 + 1);
    expect(second.totals().inFlight).toBe(0);
  });

  test('killed with denials and reports under way: every packet is recorded once, under its own verdict', async () => {
    const node = new LoggingNode();
    const first = await node.start();
    for (let round = 0; round < 4; round += 1) node.deny(80);
    for (let round = 0; round < 5; round += 1) node.report(80);
    for (let round = 0; round < 6; round += 1) node.report(81, false);
    for (let round = 0; round < 2; round += 1) node.deny(81, false);
    await until(() => node.recorded('rate-limit') === 8, 10_000);
    node.kill();
    for (let round = 0; round < 3; round += 1) node.report(80, false);
    const second = await node.start();
    node.report(82);
    await second[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    expect(node.recorded()).toBe(4 + 5 + 6 + 2 + 3 + 1);
    expect(second.totals().inFlight).toBe(0);
    const suppressed = node
      .records()
      .flatMap((record) =>
        'podwall.loss.cause' in record && record['podwall.loss.cause'] === 'rate-limit'
          ? [[record['podwall.loss.scope'].verdict, record['podwall.loss.count']] as const]
          : [],
      );
    const sum = (verdict?: string): number =>
      suppressed.filter(([one]) => one === verdict).reduce((total, [, count]) => total + count, 0);
    expect([sum('deny'), sum()]).toEqual([2, 9]);
  });

  test('killed again and again before a checkpoint: each line is known', async () => {
    const node = new LoggingNode();
    const logs = [await node.start()];
    await until(() => node.checkpoint !== undefined);
    for (let run = 1; run <= 3; run += 1) {
      node.savesCheckpoints = false;
      const written = node.lines.length;
      node.deny(run);
      await until(() => node.lines.length > written);
      node.kill();
      node.savesCheckpoints = run === 3;
      logs.push(await node.start());
    }
    for (const log of logs.toReversed()) await log[Symbol.asyncDispose]();
    expect(node.recorded()).toBe(3);
  });

  test('a sender past its share is summed in the file of scans, and every packet is recorded once, also after a kill', async () => {
    const node = new LoggingNode();
    const first = await node.start();
    await until(() => node.checkpoint !== undefined);
    const scanner = { source: '10.0.0.9' };
    for (let host = 0; host < 3000; host += 1)
      node.deny(1 + (host % 7), true, { ...scanner, destination: `10.1.${host >> 8}.${host & 255}` });
    for (let port = 1; port <= 100; port += 1) node.deny(port);
    await until(() => node.scanLines.length > 0, 20_000);
    const quiet = node.lines.map((line) => JSON.parse(line) as AuditRecord).filter(isEvent);
    expect(
      new Set(quiet.flatMap((one) => (one['source.address'] === '10.0.0.1' ? [one['destination.port']] : []))).size,
    ).toBe(100);
    expect(quiet.filter((one) => one['source.address'] === '10.0.0.9').length).toBeLessThan(1000);
    const [scan] = node.records().filter(isScan);
    expect(scan).toMatchObject({
      'source.address': '10.0.0.9',
      'podwall.verdict': 'deny',
      'network.direction': 'ingress',
      'podwall.scan.senders': 1,
      'podwall.scan.ports': 7,
    });
    expect(scan?.['podwall.scan.first']).toHaveLength(5);
    expect(Math.abs((scan?.['podwall.scan.addresses'] ?? 0) / (scan?.['podwall.count'] ?? 1) - 1)).toBeLessThan(0.05);
    expect(node.records().filter((record) => !isValid(record))).toEqual([]);
    node.savesCheckpoints = false;
    node.kill();
    const second = await node.start();
    await second[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    expect(node.recorded()).toBe(3100);
  }, 40_000);

  test('what finds no room is a loss of its own sender', async () => {
    const node = new LoggingNode();
    node.capacity = 1;
    node.hasDisk = false;
    const log = await node.start();
    for (let port = 1; port <= 10; port += 1) node.deny(port);
    for (let port = 1; port <= 5; port += 1) node.deny(port, true, { source: '10.0.0.9' });
    await until(() => log.totals().inFlight === 15, 10_000);
    node.hasDisk = true;
    await until(() => node.recorded() === 15, 10_000);
    await log[Symbol.asyncDispose]();
    const lost = node
      .records()
      .flatMap((record) =>
        'podwall.loss.cause' in record ? [[record['podwall.loss.scope'].sender, record['podwall.loss.count']]] : [],
      );
    expect(lost).toEqual([
      ['10.0.0.1', 9],
      ['10.0.0.9', 5],
    ]);
  });

  test('a frame that a bridge shows to six pods is one packet', async () => {
    const node = new LoggingNode();
    const log = await node.start();
    const devices = Array.from({ length: 6 }, (_, index) => `veth${index}`);
    for (let frame = 0; frame < 100; frame += 1) node.broadcast(5353, devices);
    await log[Symbol.asyncDispose]();
    expect([node.recorded(), log.totals().observed, log.totals().inFlight]).toEqual([100, 100, 0]);
  });

  test('the first run of all begins with what the counters say then', async () => {
    const node = new LoggingNode();
    for (let round = 0; round < 4; round += 1) node.deny(80);
    const log = await node.start();
    await log[Symbol.asyncDispose]();
    expect([node.lines, log.totals().observed]).toEqual([[], 0]);
  });

  test('counters that a change removes have been read before', async () => {
    const node = new LoggingNode();
    const log = await node.start();
    for (let round = 0; round < 5; round += 1) node.deny(80, false);
    await log.beforeRemoval(['drop-in-1']);
    node.counters.delete('drop-in-1');
    await log[Symbol.asyncDispose]();
    expect(node.recorded('rate-limit')).toBe(5);
  });

  test('with a group that another reader has, denials are counted and recorded as lost; the log says why', async () => {
    const node = new LoggingNode();
    await node.nflog.open({ onBatch: () => undefined });
    const log = await node.start();
    for (let round = 0; round < 3; round += 1) node.deny(80);
    expect(log.isReading).toBe(false);
    await log[Symbol.asyncDispose]();
    expect(node.recorded('agent-down')).toBe(3);
    expect(node.problems.join()).toContain('has another reader');
  });
});
