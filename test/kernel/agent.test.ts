/** The agent's life on a node, by real packets: what holds while it changes, dies, returns, and is interfered with. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { readdirSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { emptyRuleset } from '../../src/nftables/language/mutable-ruleset.js';
import { findDrift } from '../../src/nftables/plan/drift.js';
import { isDirty, noneDirty, type Dirty } from '../../src/nftables/render/dirty.js';
import { parseTable } from '../../src/nftables/language/listing.js';
import type { Ruleset } from '../../src/nftables/language/types.js';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import { Lab, labNode } from '../support/lab/lab.js';
import type { Outcome, Probe } from '../support/lab/prober.js';
import { describePackets } from '../support/lab/requirements.js';
import { problemsOf } from '../support/schemas.js';
import { until } from '../support/until.js';
import { bundle } from '../support/product.js';

const objects: readonly Manifest[] = [
  node('n1'),
  namespace('x'),
  pod('client.x', { node: 'n1', addresses: ['10.244.1.11', 'fd00:10:244:1::11'], labels: { role: 'client' } }),
  pod('server.x', { node: 'n1', addresses: ['10.244.1.12', 'fd00:10:244:1::12'], labels: { role: 'server' } }),
  pod('other.x', { node: 'n1', addresses: ['10.244.1.13', 'fd00:10:244:1::13'], labels: { role: 'other' } }),
];
const from = (role: string): Manifest =>
  policy('only.x', {
    podSelector: { matchLabels: { role: 'server' } },
    ingress: [{ from: [{ podSelector: { matchLabels: { role } } }] }],
  });

/** What agents of earlier days left in the kernel for this cluster, and what today's leaves. */
const layoutFolder = join(import.meta.dirname, 'layouts');
const layouts = readdirSync(layoutFolder).sort();

/** Cache generations count up and are no difference. */
const differencesOf = (desired: Ruleset, found: Ruleset | undefined): Dirty =>
  findDrift(desired, found ?? emptyRuleset());
const none = noneDirty();

describePackets('an agent on a node', () => {
  let lab: Lab;
  let directory: string;
  let agent: AgentProcess;

  const probe = (who: string, protocol: Probe['protocol'] = 'TCP'): Probe => ({
    from: lab.netns(`${who}.x`),
    to: '10.244.1.12',
    port: 80,
    protocol,
  });
  const ask = (...who: readonly string[]): Promise<Outcome[]> =>
    lab.prober.probe(
      who.map((one) => probe(one)),
      250,
    );
  const write = (...more: readonly Manifest[]): Promise<void> =>
    lab.writeManifests(directory, { cluster: [...objects, ...more] });
  const nft = (...args: readonly string[]) => lab.run('n1', 'nft', ...args);
  /** Both our tables as the kernel holds them; what packets added is left out. */
  const held = (): Promise<Ruleset[]> =>
    Promise.all(
      ['inet', 'netdev'].map(async (family) => {
        const { stdout } = await nft('-j', 'list', 'table', family, 'podwall');
        return parseTable(stdout);
      }),
    );

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'bridge')]);
    directory = join(lab.folder, 'manifests');
    await lab.addPods(
      ['client', 'server', 'other'].map((name, index) => ({
        name,
        namespace: 'x',
        node: 'n1',
        addresses: [`10.244.1.${11 + index}`, `fd00:10:244:1::${11 + index}`],
      })),
    );
    for (const protocol of ['TCP', 'UDP'] as const) lab.prober.serve(lab.netns('server.x'), 80, protocol);
    await write(from('client'));
    agent = await lab.startAgent('n1', { manifests: directory });
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test('enforces its first state', async () => {
    expect(await ask('client', 'other')).toEqual(['allowed', 'blocked']);
  }, 30_000);

  test.each([
    ['flush ruleset', ['flush', 'ruleset']],
    ['delete table', ['delete', 'table', 'inet', 'podwall']],
    ['a rule that accepts all', ['insert', 'rule', 'inet', 'podwall', 'forward', 'accept']],
    ['a chain flushed', ['flush', 'chain', 'inet', 'podwall', 'egress']],
    ['an element added', ['add', 'element', 'inet', 'podwall', 'pods4', '{ 10.9.9.9 }']],
    ['the guards deleted', ['delete', 'table', 'netdev', 'podwall']],
    ['the guards flushed', ['flush', 'table', 'netdev', 'podwall']],
  ])(
    '%s is repaired within a second',
    async (_, command) => {
      const before = await held();
      const { repairs } = await agent.status();
      await nft(...command);
      await delay(1000);
      const after = await held();
      for (const [index, table] of before.entries()) expect(differencesOf(table, after[index])).toEqual(none);
      expect((await agent.status())['repairs']).toBeGreaterThan(repairs as number);
      expect(await ask('client', 'other')).toEqual(['allowed', 'blocked']);
    },
    30_000,
  );

  test('a widening and a narrowing change, each seen on packets after `applied`', async () => {
    let seen = agent.lines.length;
    await write(
      from('client'),
      policy('too.x', { podSelector: {}, ingress: [{ from: [{ podSelector: { matchLabels: { role: 'other' } } }] }] }),
    );
    await agent.applied(seen);
    expect(await ask('client', 'other')).toEqual(['allowed', 'allowed']);
    seen = agent.lines.length;
    await write(from('client'));
    await agent.applied(seen);
    expect(await ask('client', 'other')).toEqual(['allowed', 'blocked']);
  }, 30_000);

  test('a manifest that turns bad changes nothing, and status says where', async () => {
    await writeFile(join(directory, '.bad'), 'kind: [\n');
    await rename(join(directory, '.bad'), join(directory, 'bad.yaml'));
    await delay(500);
    const status = await agent.status();
    expect(JSON.stringify(status['problems'])).toContain('bad.yaml');
    expect(problemsOf('status', status)).toEqual([]);
    expect(await ask('client', 'other')).toEqual(['allowed', 'blocked']);
    await lab.run('n1', 'rm', join(directory, 'bad.yaml'));
  }, 30_000);

  test('an invalid policy fails closed and is named', async () => {
    const seen = agent.lines.length;
    await write(from('client'), policy('typo.x', { podSelector: {}, ingress: [{ form: [] }] }));
    await agent.applied(seen);
    // `only` still allows the client into the server; nobody may reach the others, which only the broken one selects.
    expect(await ask('client')).toEqual(['allowed']);
    const toOther: Probe = { from: lab.netns('client.x'), to: '10.244.1.13', port: 80, protocol: 'TCP' };
    expect(await lab.prober.probe([toOther], 250)).toEqual(['blocked']);
    const status = await agent.status();
    expect(status['failing']).toMatchObject([{ namespace: 'x', name: 'typo' }]);
    expect(problemsOf('status', status)).toEqual([]);
    const again = agent.lines.length;
    await write(from('client'));
    await agent.applied(again);
  }, 30_000);

  /** Starts the agent, and returns every packet of the meantime that was decided wrongly: both states agree on these. */
  const startWatched = async (): Promise<readonly string[]> => {
    const wrong: string[] = [];
    const ending = new AbortController();
    const watching = (async () => {
      while (!ending.signal.aborted) {
        const [client, other] = await lab.prober.probe([probe('client', 'UDP'), probe('other', 'UDP')], 200);
        if (client !== 'allowed') wrong.push(`client ${client ?? ''}`);
        if (other !== 'blocked') wrong.push(`other ${other ?? ''}`);
      }
    })();
    agent = await lab.startAgent('n1', { manifests: directory });
    await delay(300);
    ending.abort();
    await watching;
    return wrong;
  };

  /** What is held when nothing of the last change is left to be swept. */
  const swept = async (): Promise<readonly Ruleset[]> => {
    let last = await held();
    await until(async () => {
      await delay(200);
      const [before, now] = [last, await held()];
      last = now;
      return now.every((table, index) => !isDirty(differencesOf(before[index] ?? emptyRuleset(), table)));
    }, 5_000);
    return last;
  };

  test.each(layouts)(
    'an agent that finds the rules of layout %s makes them its own, and never a wrong packet in between',
    async (name) => {
      const before = await swept();
      await agent.kill();
      const recorded = (await readFile(join(layoutFolder, name), 'utf8')).trimEnd();
      const replaced = join(lab.folder, name);
      await writeFile(replaced, `delete table inet podwall\n${recorded}\n`);
      await nft('-f', replaced);
      const midstream = ['picked4', 'midstream4'].find((old) => recorded.includes(`set ${old} `)) ?? 'mid-streams4';
      await nft('add', 'element', 'inet', 'podwall', midstream, '{ 10.244.1.11 . 4000 . 10.244.1.12 . 81 }');
      expect(await ask('client', 'other')).toEqual(['allowed', 'blocked']);
      expect(await startWatched()).toEqual([]);
      // A stream that was met in its middle is still known as one.
      expect((await nft('list', 'set', 'inet', 'podwall', 'mid-streams4')).stdout).toContain('10.244.1.11 . 4000');
      for (const [index, table] of (await swept()).entries())
        expect(differencesOf(before[index] ?? emptyRuleset(), table)).toEqual(none);
    },
    30_000,
  );

  test('the layout of today is recorded, for the agents to come', async () => {
    const args = [bundle, 'render', '--node', 'n1', '-f', directory];
    const { stdout } = await execa(process.execPath, args);
    // When this fails, the layout has changed: add what `podwall render` prints as the next file of test/kernel/layouts.
    expect(`${stdout}\n`).toBe(await readFile(join(layoutFolder, layouts.at(-1) ?? ''), 'utf8'));
  });

  test('killed, changed manifests, started again: never a wrong packet in between', async () => {
    await agent.kill();
    const status = await agent.status();
    expect(status).toMatchObject({ agent: 'none', ready: false, kernel: { guards: 3 } });
    expect(problemsOf('status', status)).toEqual([]);
    await write(
      from('client'),
      policy('and.x', { podSelector: { matchLabels: { role: 'other' } }, policyTypes: ['Ingress'] }),
    );
    expect(await startWatched()).toEqual([]);
    const toOther: Probe = { from: lab.netns('client.x'), to: '10.244.1.13', port: 80, protocol: 'TCP' };
    expect(await lab.prober.probe([toOther], 250)).toEqual(['blocked']);
  }, 60_000);

  test('a second agent waits for the lock and takes over when the first ends', async () => {
    const args = [
      'netns',
      'exec',
      lab.netns('n1'),
      process.execPath,
      bundle,
      'agent',
      '--manifests',
      directory,
      '--node',
      'n1',
    ];
    const second = execa('ip', [...args, '--state-dir', join(lab.folder, 'second'), '--log-format', 'text'], {
      reject: false,
    });
    let text = '';
    second.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await until(() => text.includes('waiting for lock'), 20_000);
    await delay(500);
    expect(text).not.toContain('msg=applied');
    expect(await agent.stop()).toBe(0);
    await until(() => text.includes('msg=applied'), 10_000);
    expect(await ask('client', 'other')).toEqual(['allowed', 'blocked']);
    second.kill('SIGTERM');
    expect((await second).exitCode).toBe(0);
  }, 30_000);

  test('uninstall removes our tables and nothing else', async () => {
    await nft('add', 'table', 'inet', 'foreign');
    await lab.run('n1', process.execPath, bundle, 'uninstall', '--state-dir', join(lab.folder, 'state-n1'));
    expect((await nft('list', 'tables')).stdout.trim()).toBe('table inet foreign');
    expect(await ask('client', 'other')).toEqual(['allowed', 'allowed']);
    const status = await agent.status();
    expect(status).toMatchObject({ agent: 'none', kernel: null });
    expect(problemsOf('status', status)).toEqual([]);
  }, 30_000);
});
