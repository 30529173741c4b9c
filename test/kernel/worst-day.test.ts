/** The agent on its worst day, by real packets: foreign changes that switch it off without touching a rule. */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { once } from 'node:events';
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheInUse } from '../../src/nftables/render/cache.js';
import { findDrift } from '../../src/nftables/plan/drift.js';
import { isDirty } from '../../src/nftables/render/dirty.js';
import { parseHookDevices, parseTable } from '../../src/nftables/language/listing.js';
import type { Ruleset } from '../../src/nftables/language/types.js';
import { agentAnswers, askAgent, type AgentStatus } from '../../src/node/control-socket.js';
import { namespace, node, pod, policy } from '../cases/objects.js';
import { AgentProcess } from '../support/lab/agent-process.js';
import { Lab, labNode } from '../support/lab/lab.js';
import type { Outcome } from '../support/lab/prober.js';
import { describePackets } from '../support/lab/requirements.js';
import { bundle, productFolder } from '../support/product.js';
import { until } from '../support/until.js';

const pods = { client: '11', server: '12', other: '13' } as const;
/** Milliseconds: 15 s are promised. */
const stoppedFor = 20_000;
const addressesOf = (name: keyof typeof pods): string[] => [`10.244.1.${pods[name]}`, `fd00:10:244:1::${pods[name]}`];
const objects = [
  node('n1'),
  namespace('x'),
  ...(['client', 'server', 'other'] as const).map((name) =>
    pod(`${name}.x`, { node: 'n1', addresses: addressesOf(name), labels: { role: name } }),
  ),
  policy('only.x', {
    podSelector: { matchLabels: { role: 'server' } },
    ingress: [{ from: [{ podSelector: { matchLabels: { role: 'client' } } }] }],
  }),
];

describePackets('the worst day of an agent', () => {
  let lab: Lab;
  let agent: AgentProcess;
  let directory: string;
  let stateDir: string;

  const ask = (...who: readonly (keyof typeof pods)[]): Promise<Outcome[]> =>
    lab.prober.probe(
      who.map((one) => ({ from: lab.netns(`${one}.x`), to: '10.244.1.12', port: 80, protocol: 'UDP' })),
      250,
    );
  const nft = (...args: readonly string[]) => lab.run('n1', 'nft', ...args);
  const held = async (family: 'inet' | 'netdev'): Promise<Ruleset> =>
    parseTable((await nft('-j', 'list', 'table', family, 'podwall')).stdout);
  /** What packets meet, with the devices of guards; generations of the verdict cache count up and are no difference. */
  const all = async () => {
    const [inet, netdev, { stdout: hooks }] = await Promise.all([
      held('inet'),
      held('netdev'),
      nft('list', 'chains', 'netdev'),
    ]);
    return { inet, netdev, hooks: [...parseHookDevices(hooks, netdev)].sort() };
  };
  const isSame = (before: Awaited<ReturnType<typeof all>>, after: Awaited<ReturnType<typeof all>>): boolean =>
    isDeepStrictEqual(before.hooks, after.hooks) &&
    (['inet', 'netdev'] as const).every(
      (family) => !isDirty(findDrift(before[family], after[family])) && after[family].isFlagged !== true,
    );
  const generation = async (): Promise<number> => cacheInUse(await held('inet'))?.generation ?? 0;
  const repairs = async (): Promise<number> => ((await askAgent(stateDir, 'status')) as AgentStatus).repairs;

  const bridgeSettings = ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables'].map((name) => `net.bridge.${name}`);
  const settings = async (): Promise<string> => (await lab.run('n1', 'sysctl', '-n', ...bridgeSettings)).stdout;

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'bridge')]);
    directory = join(lab.folder, 'manifests');
    stateDir = join(lab.folder, 'state-n1');
    await lab.run('n1', 'sysctl', '-w', ...bridgeSettings.map((name) => `${name}=0`));
    await lab.addPods(
      (['client', 'server', 'other'] as const).map((name) => ({
        name,
        namespace: 'x',
        node: 'n1',
        addresses: addressesOf(name),
      })),
    );
    lab.prober.serve(lab.netns('server.x'), 80, 'UDP');
    await lab.writeManifests(directory, { cluster: objects });
    agent = await lab.startAgent('n1', { manifests: directory });
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test.each<[string, (guard: string) => string | Promise<string>]>([
    ['the policies are made dormant', () => 'add table inet podwall { flags dormant; }'],
    ['the guards are made dormant', () => 'add table netdev podwall { flags dormant; }'],
    [
      'a guard is hooked on another device, with the same rules',
      async (guard) => {
        const { stdout } = await nft('list', 'chain', 'netdev', 'podwall', guard);
        return `delete chain netdev podwall ${guard}\n${stdout.replace(/device "[^"]*"/, 'device "lo"')}`;
      },
    ],
    [
      'a guard is hooked on one device more',
      (guard) =>
        `add chain netdev podwall ${guard} { type filter hook ingress devices = { lo } priority -500; policy drop; }`,
    ],
    ['a guard lets pass what it does not name', (guard) => `add chain netdev podwall ${guard} { policy accept; }`],
    [
      'objects of every kind among the guards',
      () => `add counter netdev podwall foreign
        add limit netdev podwall foreign { rate 5/second; }
        add chain netdev podwall a
        add chain netdev podwall b
        add map netdev podwall m { type ipv4_addr : verdict; elements = { 10.9.9.9 : jump b }; }
        add rule netdev podwall a ip saddr vmap @m`,
    ],
    [
      'objects of every kind among the policies',
      () => `add set inet podwall foreign { type mark; elements = { 7 }; }
        add map inet podwall marks { type ipv4_addr : mark; elements = { 10.9.9.9 : 7 }; }
        add limit inet podwall foreign { rate 5/second; }
        add synproxy inet podwall proxy { mss 1460; wscale 7; timestamp sack-perm; }
        add ct helper inet podwall ftp { type "ftp" protocol tcp; }
        add ct timeout inet podwall times { protocol tcp; policy = { established : 100 }; }
        add ct expectation inet podwall expected { protocol tcp; dport 80; timeout 10m; size 12; l3proto ip; }
        add quota inet podwall share { over 5 mbytes; }
        insert rule inet podwall egress quota name "share" accept`,
    ],
  ])(
    '%s: undone at once, and counted',
    async (_, text) => {
      const [before, counted] = [await all(), await repairs()];
      const file = join(lab.folder, 'foreign.nft');
      await writeFile(file, await text(`guard-${await lab.device('client.x')}`));
      await nft('-f', file);
      await until(async () => (await repairs()) > counted);
      await until(async () => isSame(before, await all()));
      expect(await ask('client', 'other')).toEqual(['allowed', 'blocked']);
    },
    30_000,
  );

  test('the settings of bridges are switched off: on again at once, and counted', async () => {
    const counted = await repairs();
    await lab.run('n1', 'sysctl', '-w', ...bridgeSettings.map((name) => `${name}=0`));
    await until(async () => (await settings()) === '1\n1');
    await until(async () => (await repairs()) === counted + 2);
    expect(await ask('client', 'other')).toEqual(['allowed', 'blocked']);
  }, 30_000);

  test('ip monitor and nft monitor are stopped: ended within the promised time, begun anew, what they missed is repaired', async () => {
    await agent.stop();
    // Without its packages, as where koffi has no build: nft monitor follows the tables.
    const alone = join(lab.folder, 'alone');
    await cp(productFolder, alone, { recursive: true });
    agent = await lab.startAgent('n1', { manifests: directory }, { bundle: join(alone, 'podwall.js') });
    const monitors = (): readonly number[] =>
      [...agent.children].filter(([, command]) => /^(nft|ip) monitor/.test(command)).map(([pid]) => pid);
    await until(() => monitors().length === 2);
    const stopped = monitors();
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    const counted = await repairs();
    const guard = `guard-${await lab.device('client.x')}`;
    await nft('flush', 'chain', 'inet', 'podwall', 'forward');
    await nft('flush', 'chain', 'netdev', 'podwall', guard);
    // No event of the cluster comes with it: only links say that the pod has another device.
    await lab.movePod('other.x', { node: 'n1', addresses: addressesOf('other') });
    const other = `guard-${await lab.device('other.x')}`;
    await until(async () => (await held('netdev')).chains.has(other), stoppedFor);
    await until(async () => (await repairs()) > counted, stoppedFor);
    await until(async () => ((await held('netdev')).chains.get(guard)?.rules.length ?? 0) > 0, stoppedFor);
    await until(async () => isDeepStrictEqual(await ask('client', 'other'), ['allowed', 'blocked']), stoppedFor);
    for (const child of ['ip monitor', 'nft monitor'])
      expect(agent.lines).toContainEqual(expect.objectContaining({ child, reason: 'silent' }));
    await until(() => monitors().length === 2);
    expect(monitors().filter((pid) => stopped.includes(pid))).toEqual([]);
  }, 60_000);

  test('a relation in the verdict cache that no policy allows: forgotten at once', async () => {
    const cache = `cache4-${await generation()}`;
    await nft('add', 'element', 'inet', 'podwall', cache, '{ 10.244.1.13 . 10.244.1.12 . udp . 80 }');
    await until(async () => (await ask('other'))[0] === 'blocked');
    expect(`cache4-${await generation()}`).not.toBe(cache);
    expect(await ask('client', 'other')).toEqual(['allowed', 'blocked']);
  }, 30_000);

  test('the state folder is deleted while the agent runs: made anew, and the agent answers', async () => {
    await rm(stateDir, { recursive: true });
    await until(() => agentAnswers(stateDir));
    expect(await agent.status()).toMatchObject({ agent: 'running', ready: true });
  }, 30_000);

  test('a state folder that cannot be used, and a lock held by a process that is not root: it enforces', async () => {
    await agent.stop();
    await rm(stateDir, { recursive: true });
    await writeFile(stateDir, '');
    const squat = `process.setgid(65534); process.setuid(65534);
      require('node:net').createServer().listen('\\0podwall-agent'.padEnd(108, '\\0'), () => console.log('held'));`;
    const squatter = execa('ip', ['netns', 'exec', lab.netns('n1'), process.execPath, '-e', squat], { reject: false });
    await once(squatter.stdout, 'data');
    agent = new AgentProcess({ netns: lab.netns('n1'), node: 'n1', stateDir, flags: { manifests: directory } });
    await agent.applied(0, 30_000);
    expect(await ask('client', 'other')).toEqual(['allowed', 'blocked']);
    expect(await agent.status()).toMatchObject({ agent: 'unreachable', ready: false, kernel: { guards: 3 } });
    expect(agent.lines.map(({ msg }) => msg)).toContain(
      'a process that is no agent holds the socket of the lock: passed over',
    );
    await rm(stateDir);
    await until(() => agentAnswers(stateDir));
    expect(await agent.status()).toMatchObject({ agent: 'running', ready: true });
    squatter.kill('SIGKILL');
    await squatter;
  }, 60_000);

  test('an uninstall that is killed: rules are in force, or no agent runs; a whole one puts everything back', async () => {
    const uninstall = () =>
      execa('ip', ['netns', 'exec', lab.netns('n1'), process.execPath, bundle, 'uninstall', '--state-dir', stateDir], {
        reject: false,
      });
    await lab.run('n1', 'sysctl', '-w', ...bridgeSettings.map((name) => `${name}=0`));
    await until(async () => (await settings()) === '1\n1');
    const printed: string[] = [];
    for (const after of [200, 300, 400]) {
      const interrupted = uninstall();
      await delay(after);
      interrupted.kill('SIGKILL');
      // It may have been through.
      printed.push((await interrupted).stdout);
      const { agent: found, kernel } = await agent.status();
      const [other] = await ask('other');
      if (found !== 'none' || kernel !== null) expect([after, found, other]).toEqual([after, found, 'blocked']);
    }
    printed.push((await uninstall()).stdout);
    expect(await ask('other')).toEqual(['allowed']);
    expect((await nft('list', 'tables')).stdout).toBe('');
    expect(await settings()).toBe('0\n0');
    for (const setting of bridgeSettings) expect(printed.join('\n')).toContain(`sysctl -w ${setting}=1`);
    expect(await readdir(stateDir).catch(() => [])).toEqual([]);
    expect(await agent.status()).toMatchObject({ agent: 'none', kernel: null });
  }, 60_000);
});
