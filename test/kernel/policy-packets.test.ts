/** Packets by policy in /metrics while policies come and go, the agent restarts and the table is lost: no denial goes missing. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { policy } from '../cases/objects.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import type { Lab } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';
import { until } from '../support/until.js';
import { app, threePods } from './three-pods.js';

/** Both isolate the server and allow nobody. */
const isolating = (name: string) => policy(`${name}.x`, { podSelector: app('server') });

describePackets('packets by policy', () => {
  let lab: Lab;
  let agent: AgentProcess;

  const manifests = (): string => join(lab.folder, 'manifests');
  const start = async (): Promise<void> => {
    agent = await lab.startAgent('n1', { manifests: manifests(), 'audit-log': join(lab.folder, 'audit.jsonl') });
  };

  /** One datagram each, which nothing answers. */
  const deny = async (packets: number): Promise<void> => {
    const probe = { from: lab.netns('client.x'), to: '10.244.1.13', port: 80, protocol: 'UDP' as const };
    const outcomes = await lab.prober.probe(
      Array.from({ length: packets }, () => probe),
      50,
    );
    expect(new Set(outcomes)).toEqual(new Set(['blocked']));
  };

  /** Series of denials by their policies, as a scrape has them now. */
  const denied = async (): Promise<ReadonlyMap<string, number>> => {
    const script = `fetch('http://127.0.0.1:9808/metrics').then(async (r) => process.stdout.write(await r.text()))`;
    const text = (await lab.run('n1', process.execPath, '-e', script)).stdout;
    const lines = text.matchAll(/^podwall_policy_denied_packets_total\{direction="ingress",policy="(.*)"\} (\d+)$/gm);
    return new Map([...lines].map(([, policies = '', packets]) => [policies, Number(packets)]));
  };
  const sum = (series: ReadonlyMap<string, number>): number =>
    [...series.values()].reduce((total, packets) => total + packets, 0);
  /** Several scrapes share one reading for a second. */
  const untilDenied = (total: number) => until(async () => sum(await denied()) === total);

  const change = async (action: () => Promise<void>): Promise<void> => {
    const seen = agent.lines.length;
    await action();
    await agent.applied(seen);
  };

  beforeAll(async () => {
    lab = await threePods([isolating('stays')], (folder) => ({ 'audit-log': join(folder, 'audit.jsonl') }));
    await lab.stopAgents();
    await start();
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test('another policy of the pod comes and goes forty times, nobody scrapes, and every denial is in a series', async () => {
    await deny(3);
    for (let round = 1; round <= 40; round += 1) {
      const name = round % 2 === 0 ? 'comes' : `comes-${round}`;
      await change(() => lab.writeManifests(manifests(), { other: [isolating(name)] }));
      await deny(2);
      await change(() => rm(join(manifests(), 'other.json')));
    }
    await deny(2);
    const series = await denied();
    expect(series.get('x/stays')).toBe(5);
    expect(series.get('x/comes,x/stays')).toBe(40);
    expect(sum(series)).toBe(85);
  }, 120_000);

  test('an agent that ends or is killed leaves its series to the next', async () => {
    await lab.stopAgents();
    await deny(1);
    await start();
    await untilDenied(86);
    await change(() => lab.writeManifests(manifests(), { other: [isolating('comes')] }));
    await deny(1);
    await agent.kill();
    await deny(1);
    await rm(join(manifests(), 'other.json'));
    await start();
    await untilDenied(88);
    expect((await denied()).get('x/comes,x/stays')).toBe(42);
  }, 60_000);

  test('another program deletes the table: series go on from what was read last', async () => {
    const seen = agent.lines.length;
    await lab.run('n1', 'nft', 'delete', 'table', 'inet', 'podwall');
    await until(() => agent.lines.slice(seen).some(({ msg }) => msg === 'drift'), 10_000);
    await agent.applied(seen);
    await deny(2);
    await untilDenied(90);
  }, 60_000);
});
