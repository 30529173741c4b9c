/** The audit log under more denied packets than it can tell: each is in a record, in a sum, or counted as a loss. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AuditRecord } from '../../src/audit/record.js';
import schema from '../../src/audit/record.schema.json' with { type: 'json' };
import { namespace, node, pod, podAddresses, policy } from '../cases/objects.js';
import type { AgentFlags, AgentProcess } from '../support/lab/agent-process.js';
import { AuditTrail, packetsTold } from '../support/lab/audit-trail.js';
import { flood } from '../support/lab/flood.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';
import { until } from '../support/until.js';

const isValid = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile<AuditRecord>(schema);
const noLimit = { 'audit-rate': '1000000', 'audit-burst': '1000000' };

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
  const floodFor = (milliseconds: number): Promise<number> =>
    flood({ from: lab.netns('client.x'), to: podAddresses('n1', 12)[0] ?? '', ports: [9] }, () => delay(milliseconds));
  /** Lines speak of so many packets, and no more are on their way. */
  const settled = async (packetsDenied: number): Promise<AuditRecord[]> => {
    await until(async () => packetsTold(await trail.all()) >= packetsDenied, 40_000);
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
    const pods = [pod('client.x', { host: 11 }), pod('server.x', { host: 12 })];
    await lab.writeManifests(directory, {
      cluster: [node('n1'), namespace('x'), ...pods, policy('deny.x', { podSelector: {} })],
    });
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
      const sent = await floodFor(4000);
      const seconds = (performance.now() - began) / 1000;
      const cpu = ((await metric('process_cpu_seconds_total')) ?? NaN) - (cpuBefore ?? NaN);
      const denied = (await dropped()) - before;
      expect(denied).toBe(sent);
      const told = await settled(denied);
      expect(packetsTold(told)).toBe(denied);
      expect(await packets('observed')).toBe(denied);
      // Without limits every packet is read, as fast as the machine sends: it is the limits that bound the agent.
      if (flags !== noLimit) expect(cpu / seconds).toBeLessThan(1);
      const suppressed = (await packets('suppressed')) ?? 0;
      console.info(
        `${Math.round(sent / seconds)} denied packets a second, ${suppressed} suppressed, agent at ${(cpu / seconds).toFixed(2)} cores`,
      );
      if (flags === noLimit) expect(suppressed).toBe(0);
      else expect(suppressed).toBeGreaterThan(denied / 2);
      expect(told.filter((record) => !isValid(record))).toEqual([]);
      expect(told.map((record) => record['event.sequence'])).toEqual(told.map((_record, index) => index + 1));
    },
    90_000,
  );

  test('killed in the flood: what came by meanwhile is told as a loss by the next run', async () => {
    await startAnew();
    const before = await dropped();
    const sent = await flood(
      { from: lab.netns('client.x'), to: podAddresses('n1', 12)[0] ?? '', ports: [9] },
      async () => {
        await delay(2000);
        await agent.kill();
        await delay(2000);
        await start();
        await delay(1000);
      },
    );
    expect((await dropped()) - before).toBe(sent);
    const told = await settled(sent);
    const down = (await trail.losses()).filter((loss) => loss['podwall.loss.cause'] === 'agent-down');
    expect(down.reduce((sum, loss) => sum + loss['podwall.loss.count'], 0)).toBeGreaterThan(100);
    expect(new Set(told.map((record) => record['podwall.boot_id'])).size).toBe(2);
    // Nothing is missing, and what the first run wrote after its last checkpoint is not told again.
    expect(packetsTold(told)).toBe(sent);
  }, 90_000);

  test('stopped and started: what came by meanwhile is told, to the packet', async () => {
    await startAnew();
    const before = await dropped();
    await floodFor(500);
    await agent.stop();
    await floodFor(500);
    await start();
    const denied = (await dropped()) - before;
    expect(packetsTold(await settled(denied))).toBe(denied);
  }, 90_000);
});
