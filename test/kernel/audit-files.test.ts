/** The audit log's file on a small disk that is full, and under an agent whose file others move and remove. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordLine, type EventRecord } from '../../src/audit/record.js';
import { RotatingFile } from '../../src/audit/writing/rotating-file.js';
import { Sink } from '../../src/audit/writing/sink.js';
import { deniedRecord } from '../audit/records.js';
import { namespace, node, pod, podAddresses, policy } from '../cases/objects.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import { AuditTrail } from '../support/lab/audit-trail.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';
import { bundle } from '../support/product.js';
import { until } from '../support/until.js';

const page = 4096;

/** A disk of a few pages, and what fills it. */
class SmallDisk implements AsyncDisposable {
  readonly folder: string;
  readonly #ballast: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.#ballast = join(folder, 'ballast');
  }

  static async mount(folder: string, pages: number): Promise<SmallDisk> {
    await execa('mount', ['-t', 'tmpfs', '-o', `size=${pages * page}`, 'tmpfs', folder]);
    return new SmallDisk(folder);
  }

  /** Until no byte is left. */
  async fill(): Promise<void> {
    await execa('sh', ['-c', `cat /dev/zero >> ${this.#ballast}`], { reject: false });
  }

  async freeOnePage(): Promise<void> {
    await truncate(this.#ballast, (await stat(this.#ballast)).size - page);
  }

  freeAll(): Promise<void> {
    return rm(this.#ballast);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await execa('umount', ['--lazy', this.folder]);
  }
}

describePackets('a disk that is full', () => {
  let folder: string;
  let disk: SmallDisk;
  let sink: Sink;
  let states: string[];
  let cleanupFailures: unknown[];
  let written: number[];
  const path = (): string => join(folder, 'audit.jsonl');
  const sequencesIn = (text: string): number[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as EventRecord)['event.sequence']);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-full-disk-'));
    disk = await SmallDisk.mount(folder, 64);
    [states, cleanupFailures, written] = [[], [], []];
  });
  afterEach(async () => {
    await sink[Symbol.asyncDispose]();
    await disk[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const open = (maxBytes: number): void => {
    const limits = { maxBytes, rotateAfter: Infinity, maxBackups: Infinity, maxBackupAge: Infinity, gzip: true };
    const rotating = new RotatingFile(
      path(),
      {
        ...limits,
        onCleanupFailure: (error) => void cleanupFailures.push(error),
        onFileEnd: () => Promise.resolve(),
      },
      Date.now,
    );
    sink = new Sink(rotating, {
      capacity: 8 << 20,
      retryAfter: 20,
      settledAfter: 500,
      onWriteState: (error) =>
        void states.push(error === undefined ? 'well' : ((error as NodeJS.ErrnoException).code ?? '')),
    });
  };
  const write = (first: number, last: number): void => {
    for (let sequence = first; sequence <= last; sequence += 1)
      sink.write(recordLine(deniedRecord({ 'event.sequence': sequence })), () => written.push(sequence));
  };
  const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

  test('records go on as soon as one fits, none is cut, none twice, and it is said once', async () => {
    open(Infinity);
    write(1, 1);
    await until(() => written.length === 1);
    await disk.fill();
    // Far more than one page, and in one piece.
    write(2, 100);
    await until(() => sink.isFailing);
    for (let before = written.length, freed = 0; freed < 3; freed += 1, before = written.length) {
      await disk.freeOnePage();
      await until(() => written.length > before);
      const least = written.length;
      const found = sequencesIn(await readFile(path(), 'utf8'));
      expect(found).toEqual(upTo(found.length));
      expect(found.length).toBeGreaterThanOrEqual(least);
    }
    expect(written.length).toBeLessThan(50);
    expect(sink.isFailing).toBe(true);
    await disk.freeAll();
    await until(() => written.length === 100);
    await until(() => !sink.isFailing);
    expect(sequencesIn(await readFile(path(), 'utf8'))).toEqual(upTo(100));
    expect(states).toEqual(['ENOSPC', 'well']);
  });

  test('a file that became full with its disk is rotated afterwards; what cannot be compressed meanwhile stays plain', async () => {
    open(30 * page);
    write(1, 1);
    await until(() => written.length === 1);
    const size = (await stat(path())).size;
    const perFile = Math.floor((30 * page) / size);
    write(2, perFile);
    await until(() => written.length === perFile);
    await disk.fill();
    write(perFile + 1, perFile + 5);
    await until(() => sink.isFailing && cleanupFailures.length > 0);
    await disk.freeAll();
    await until(() => written.length === perFile + 5);
    const names = (await readdir(folder)).sort();
    expect(names).toHaveLength(2);
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    expect(sequencesIn(texts.join(''))).toEqual(upTo(perFile + 5));
  });
});

describePackets('an agent whose audit log others touch', () => {
  let lab: Lab;
  let agent: AgentProcess;
  let disk: SmallDisk;
  let trail: AuditTrail;
  let folder: string;

  const deny = (port: number): Promise<unknown> =>
    lab.prober.probe(
      [{ from: lab.netns('client.x'), to: podAddresses('n1', 13)[0] ?? '', port, protocol: 'TCP' }],
      100,
    );
  /** A denial, and its record in the file that the path names. */
  const recorded = async (port: number): Promise<EventRecord> => {
    await deny(port);
    return trail.find({ 'destination.port': port });
  };
  const podwall = (...args: readonly string[]) =>
    execa(process.execPath, [bundle, 'audit', ...args, '--log', folder], { reject: false });
  const isWriting = async (): Promise<number> => {
    const script = `fetch('http://127.0.0.1:9808/metrics').then(async (r) => process.stdout.write(await r.text()), () => {})`;
    const { stdout } = await lab.run('n1', process.execPath, '-e', script);
    return Number(/^podwall_audit_writing (\d)$/m.exec(stdout)?.[1] ?? -1);
  };
  const logged = (text: string): number => agent.lines.filter(({ msg }) => String(msg).includes(text)).length;

  beforeAll(async () => {
    lab = await Lab.create([labNode(1)]);
    for (const [name, host] of [['client', 11] as const, ['server', 13] as const])
      await lab.addPod({ namespace: 'x', name, node: 'n1', addresses: podAddresses('n1', host) });
    const manifests = join(lab.folder, 'manifests');
    const pods = [pod('client.x', { host: 11 }), pod('server.x', { host: 13 })];
    await lab.writeManifests(manifests, { cluster: [node('n1'), namespace('x'), ...pods, policy('deny.x', {})] });
    const mountPoint = join(lab.folder, 'disk');
    await mkdir(mountPoint);
    disk = await SmallDisk.mount(mountPoint, 64);
    folder = join(mountPoint, 'log');
    trail = new AuditTrail(join(folder, 'audit.jsonl'));
    agent = await lab.startAgent('n1', { manifests, 'audit-log': trail.path });
    await until(async () => {
      await deny(1);
      return (await trail.events()).length > 0;
    }, 20_000);
  }, 90_000);
  afterAll(async () => {
    await lab.stopAgents();
    await disk[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  }, 60_000);

  test('moved: records go on in a new file, and the log is whole', async () => {
    await recorded(2);
    await rename(trail.path, `${trail.path}.1`);
    await recorded(3);
    const { stdout, exitCode } = await podwall('verify');
    expect([stdout, exitCode]).toEqual([expect.stringContaining('the log reports no losses'), 0]);
    const shown = await podwall('show', '-o', 'json');
    const ports = shown.stdout.split('\n').map((line) => (JSON.parse(line) as EventRecord)['destination.port']);
    expect([...new Set(ports)]).toEqual([1, 2, 3]);
    expect(logged('the audit log was moved by another program')).toBe(1);
  }, 40_000);

  test('removed with its folder: what it held is a loss, and new records can be explained', async () => {
    await rm(folder, { recursive: true });
    const record = await recorded(4);
    await until(async () => (await trail.losses()).length > 0, 15_000);
    const losses = await trail.losses();
    expect(losses.map((loss) => loss['podwall.loss.cause'])).toEqual(['rotation']);
    // The file held the first packet to port 3, and perhaps the second.
    expect(losses[0]?.['podwall.loss.count']).toBeGreaterThan(0);
    await until(async () => (await podwall('explain', record['event.id'])).exitCode === 1, 10_000);
    const explained = await podwall('explain', record['event.id']);
    expect(explained.stdout).toContain('under the policies of that moment');
    expect((await podwall('loss')).stdout).toContain('rotation');
  }, 60_000);

  test('a full disk: one error, a metric, and every record once there is room', async () => {
    await recorded(5);
    await disk.fill();
    for (let port = 10; port < 40; port += 1) await deny(port);
    await until(async () => (await isWriting()) === 0, 20_000);
    await disk.freeAll();
    for (let port = 10; port < 40; port += 1) await trail.find({ 'destination.port': port });
    await until(async () => (await isWriting()) === 1, 20_000);
    expect([logged('cannot write the audit log'), logged('the audit log is written again')]).toEqual([1, 1]);
  }, 90_000);
});
