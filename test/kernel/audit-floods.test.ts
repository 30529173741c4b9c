/** The audit log under more denied packets than it can record: each is in a record, in a sum, or counted as a loss. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { mkdir, readdir } from 'node:fs/promises';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { isEvent, isScan, type AuditRecord, type LossCause } from '../../src/audit/record.js';
import schema from '../../src/audit/record.schema.json' with { type: 'json' };
import { namespace, node, pod, podAddresses, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentFlags, AgentProcess } from '../support/lab/agent-process.js';
import { AuditTrail, packetsRecorded } from '../support/lab/audit-trail.js';
import { flood } from '../support/lab/flood.js';
import * as libc from '../support/lab/libc.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';
import { bundle } from '../support/product.js';
import { until } from '../support/until.js';

const isValid = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile<AuditRecord>(schema);
/** Of the server, who may be asked for it. */
const allowedPort = 5300;
const objects = [
  node('n1'),
  namespace('x'),
  pod('client.x', { host: 11 }),
  pod('server.x', { host: 12 }),
  policy('deny.x', { podSelector: {} }),
  policy('allow.x', { podSelector: {}, ingress: [{ ports: [{ protocol: 'UDP', port: allowedPort }] }] }),
];
/** A record for each, and more than wait for a disk. */
const manyPorts = Array.from({ length: 12_000 }, (_, index) => 10_000 + index);
const noLimit = {
  ...{ 'audit-rate': '1000000', 'audit-burst': '1000000' },
  ...{ 'audit-shared-rate': '1000000', 'audit-sender-rate': '1000000' },
};

describePackets('the audit log in a flood', () => {
  let lab: Lab;
  let directory: string;
  let agent: AgentProcess;
  let trail: AuditTrail;
  let count = 0;

  const start = async (flags: AgentFlags = {}): Promise<void> => {
    agent = await lab.startAgent('n1', { ...flags, manifests: directory, 'audit-log': trail.path });
    await until(async () => (await metric('podwall_audit_reading')) === 1, 20_000);
  };
  const startAnew = async (flags: AgentFlags = {}): Promise<void> => {
    count += 1;
    trail = new AuditTrail(join(lab.folder, 'log', `${count}.jsonl`));
    await start(flags);
  };
  const writeManifests = (...more: readonly Manifest[]): Promise<void> =>
    lab.writeManifests(directory, { cluster: [...objects, ...more] });
  const metric = async (series: string): Promise<number | undefined> => {
    const script = `fetch('http://127.0.0.1:9808/metrics').then(async (r) => process.stdout.write(await r.text()), () => {})`;
    const { stdout } = await lab.run('n1', process.execPath, '-e', script);
    const line = stdout.split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
  const packets = (outcome: string): Promise<number | undefined> =>
    metric(`podwall_audit_packets_total{outcome="${outcome}"}`);
  /** Packets that the kernel counted as denied, since the table is there. */
  const dropped = async (): Promise<number> => {
    const { stdout } = await lab.run('n1', 'nft', '-j', 'list', 'counters', 'table', 'inet', 'podwall');
    const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { name: string; packets: number } }[] };
    return nftables.reduce((sum, { counter }) => sum + (counter?.name.startsWith('drop-') ? counter.packets : 0), 0);
  };
  const floodDuring = (work: () => Promise<void>, ports: readonly number[] = [9]): Promise<number> =>
    flood({ from: lab.netns('client.x'), to: podAddresses('n1', 12)[0] ?? '', ports }, work);
  const floodFor = (milliseconds: number): Promise<number> => floodDuring(() => delay(milliseconds));
  /** One after the other, each as soon as the last one arrived. */
  const allowedTraffic = async (milliseconds: number): Promise<{ microseconds: number; lost: number }> => {
    const [source, target] = [11, 12].map((host) => podAddresses('n1', host)[0] ?? '') as [string, string];
    const bound = (pod: string, address: string, port: number): number =>
      libc.inNamed(lab.netns(pod), () => {
        const fd = libc.socket(libc.AF_INET, libc.SOCK_DGRAM);
        libc.bind(fd, libc.socketAddress(address, port));
        return fd;
      });
    const [client, server] = [bound('client.x', source, 0), bound('server.x', target, allowedPort)];
    const to = libc.socketAddress(target, allowedPort);
    const payload = Buffer.from('allowed');
    let [sent, lost, busy] = [0, 0, 0];
    for (const end = performance.now() + milliseconds; performance.now() < end;) {
      await turn();
      const started = performance.now();
      for (let burst = 0; burst < 20; burst += 1, sent += 1) {
        libc.sendTo(client, payload, to);
        if (libc.receive(server) === undefined) lost += 1;
      }
      busy += performance.now() - started;
    }
    for (const fd of [client, server]) libc.close(fd);
    return { microseconds: (busy * 1000) / sent, lost };
  };
  const says = (message: string): boolean => JSON.stringify(agent.lines).includes(message);
  const lossesBy = async (cause: LossCause): Promise<number> => {
    const losses = (await trail.losses()).filter((loss) => loss['podwall.loss.cause'] === cause);
    return losses.reduce((sum, loss) => sum + loss['podwall.loss.count'], 0);
  };
  /** Lines speak of so many packets, and no more are on their way. */
  const settled = async (packetsDenied: number): Promise<AuditRecord[]> => {
    await until(async () => packetsRecorded(await trail.all()) >= packetsDenied, 40_000);
    await until(async () => (await metric('podwall_audit_in_flight_packets')) === 0, 30_000);
    return trail.all();
  };

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'ptp')]);
    directory = join(lab.folder, 'manifests');
    for (const [name, host] of [
      ['client', 11],
      ['server', 12],
    ] as const)
      await lab.addPod({ namespace: 'x', name, node: 'n1', addresses: podAddresses('n1', host) });
    await writeManifests();
  }, 60_000);
  afterEach(() => agent.stop());
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test.each([
    ['within the limits of the log, most are suppressed', {}],
    ['without limits, all are received or counted as lost', noLimit],
  ])(
    '%s',
    async (_, flags) => {
      await startAnew(flags);
      const [before, cpuBefore, began] = [
        await dropped(),
        await metric('process_cpu_seconds_total'),
        performance.now(),
      ];
      const alone = await allowedTraffic(1000);
      let amid = alone;
      const sent = await floodDuring(async () => {
        amid = await allowedTraffic(10_000);
      });
      const seconds = (performance.now() - began) / 1000;
      const cpu = ((await metric('process_cpu_seconds_total')) ?? NaN) - (cpuBefore ?? NaN);
      const denied = (await dropped()) - before;
      expect(denied).toBe(sent);
      expect([alone.lost, amid.lost]).toEqual([0, 0]);
      const recorded = await settled(denied);
      expect(packetsRecorded(recorded)).toBe(denied);
      expect(await packets('observed')).toBe(denied);
      // Without limits every packet is read, as fast as the machine sends: it is the limits that bound the agent.
      if (flags !== noLimit) expect(cpu / seconds).toBeLessThan(1);
      const suppressed = (await packets('suppressed')) ?? 0;
      console.info(
        `allowed packets took ${(amid.microseconds / alone.microseconds).toFixed(2)} of their time without the flood; ` +
          `${Math.round(sent / seconds)} denied packets a second, ${suppressed} suppressed, agent at ${(cpu / seconds).toFixed(2)} cores`,
      );
      if (flags === noLimit) expect(suppressed).toBe(0);
      else expect(suppressed).toBeGreaterThan(denied / 2);
      expect(recorded.filter((record) => !isValid(record))).toEqual([]);
      expect(recorded.map((record) => record['event.sequence'])).toEqual(recorded.map((_record, index) => index + 1));
    },
    90_000,
  );

  test('killed in the flood: what came by meanwhile is recorded as a loss by the next run', async () => {
    await startAnew();
    const before = await dropped();
    const sent = await floodDuring(async () => {
      await delay(2000);
      await agent.kill();
      await delay(2000);
      await start();
      await delay(1000);
    });
    expect((await dropped()) - before).toBe(sent);
    const recorded = await settled(sent);
    expect(await lossesBy('agent-down')).toBeGreaterThan(100);
    expect(new Set(recorded.map((record) => record['podwall.boot_id'])).size).toBe(2);
    // Nothing is missing, and what the first run wrote after its last checkpoint is not recorded again.
    expect(packetsRecorded(recorded)).toBe(sent);
  }, 90_000);

  test('stopped and started: what came by meanwhile is recorded, exactly', async () => {
    await startAnew();
    const before = await dropped();
    await floodFor(500);
    await agent.stop();
    await floodFor(500);
    await start();
    const denied = (await dropped()) - before;
    expect(packetsRecorded(await settled(denied))).toBe(denied);
  }, 90_000);

  test('rotation under load loses nothing', async () => {
    await startAnew({ ...noLimit, 'audit-log-maxsize': '1', 'audit-log-maxbackup': '1000' });
    const before = await dropped();
    const sent = await floodDuring(() => delay(4000), manyPorts);
    expect((await dropped()) - before).toBe(sent);
    const recorded = await settled(sent);
    expect(packetsRecorded(recorded)).toBe(sent);
    expect(recorded.map((record) => record['event.sequence'])).toEqual(recorded.map((_record, index) => index + 1));
    expect((await readdir(dirname(trail.path))).filter((name) => name.startsWith(`${count}-`)).length).toBeGreaterThan(
      2,
    );
  }, 90_000);

  /** To 60,000 addresses, one after the other, as fast as a pod can. */
  const scanDuring = (work: () => Promise<void>): Promise<number> => {
    const to = Array.from({ length: 60_000 }, (_, host) => `10.9.${host >> 8}.${host & 255}`);
    return flood({ from: lab.netns('client.x'), to, ports: [9] }, work);
  };

  test('a pod scans all the addresses that it can: of another pod’s denials none is missing', async () => {
    await writeManifests(policy('caged.x', { podSelector: {}, policyTypes: ['Egress'] }));
    await startAnew();
    for (const command of [
      ['link', 'add', 'nowhere', 'type', 'veth', 'peer', 'name', 'nowhere-too'],
      ['link', 'set', 'nowhere', 'up'],
      ['route', 'add', '10.8.0.0/15', 'dev', 'nowhere'],
    ])
      await lab.run('n1', 'ip', ...command);
    const quiet = libc.inNamed(lab.netns('server.x'), () => libc.socket(libc.AF_INET, libc.SOCK_DGRAM));
    const deny = (to: string, port: number): number =>
      libc.sendTo(quiet, Buffer.from('quiet'), libc.socketAddress(to, port));
    const before = await dropped();
    try {
      deny('10.8.0.1', 9);
      const sent = await scanDuring(async () => {
        await delay(1000);
        for (let round = 0; round < 40; round += 1) {
          deny('10.8.0.1', 9);
          deny('10.8.0.2', 9);
          for (let more = 0; more < 5; more += 1) deny('10.8.0.3', 1 + ((round * 5 + more) % 100));
          await delay(50);
        }
      });
      const recorded = await settled((await dropped()) - before);
      const ofQuiet = recorded.filter(isEvent).filter((record) => record['source.k8s.pod.name'] === 'server');
      const counted = (to: string): number =>
        packetsRecorded(ofQuiet.filter((record) => record['destination.address'] === to));
      expect([counted('10.8.0.1'), counted('10.8.0.2'), counted('10.8.0.3')]).toEqual([41, 40, 200]);
      expect(new Set(ofQuiet.map((record) => record['destination.port'])).size).toBe(100);
      const scans = recorded.filter(isScan);
      expect(scans[0]).toMatchObject({ 'source.k8s.pod.name': 'client', 'podwall.scan.ports': 1 });
      expect(scans[0]?.['podwall.scan.addresses']).toBeGreaterThan(100);
      expect(recorded.filter((record) => !isValid(record))).toEqual([]);
      // What the log holds of the scanner does not depend on how much it sends.
      const ofScanner = recorded.filter((record) => isEvent(record) && record['source.k8s.pod.name'] === 'client');
      expect(ofScanner.length).toBeLessThan(1500);
      console.info(`${sent} packets of a scan in ${ofScanner.length} records and ${scans.length} scans`);
      const { stdout } = await lab.run(
        'n1',
        process.execPath,
        bundle,
        'audit',
        'show',
        '--log',
        dirname(trail.path),
        '--from-pod',
        'x/client',
      );
      expect(stdout).toMatch(
        /DENY egress x\/client -> \d+ addresses \(10\.9\..*\) 1 ports SCAN default-deny by x\/caged \(\d+ packets\)/,
      );
    } finally {
      libc.close(quiet);
      await lab.run('n1', 'ip', 'link', 'delete', 'nowhere');
      await writeManifests();
    }
  }, 120_000);

  test('a full disk: what finds no room is counted, rules are still changed, and records come when there is room', async () => {
    const small = join(lab.folder, 'small');
    await mkdir(small);
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
    try {
      trail = new AuditTrail(join(small, 'audit.jsonl'));
      await start(noLimit);
      const before = await dropped();
      const sent = await floodDuring(() => delay(4000), manyPorts);
      expect((await dropped()) - before).toBe(sent);
      await until(() => says('cannot write the audit log'), 40_000);
      const seen = agent.lines.length;
      await writeManifests(policy('more.x', { podSelector: {}, policyTypes: ['Egress'] }));
      await agent.applied(seen);
      await writeManifests();
      await execa('mount', ['-o', 'remount,size=256m', small]);
      expect(packetsRecorded(await settled(sent))).toBe(sent);
      expect(await lossesBy('writer')).toBeGreaterThan(0);
      await until(() => says('the audit log is written again'), 20_000);
    } finally {
      await agent.stop();
      await execa('umount', [small]);
    }
  }, 120_000);

  test('the kernel’s queue overflows while the agent does not read: the loss is exact', async () => {
    await startAnew(noLimit);
    const before = await dropped();
    const sent = await floodDuring(async () => {
      await delay(500);
      process.kill(agent.pid, 'SIGSTOP');
      await delay(4000);
      process.kill(agent.pid, 'SIGCONT');
      await delay(500);
    });
    expect((await dropped()) - before).toBe(sent);
    expect(packetsRecorded(await settled(sent))).toBe(sent);
    expect(await lossesBy('kernel-queue')).toBeGreaterThan(0);
  }, 90_000);
});
