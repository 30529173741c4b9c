/** What is the agent's own and what another process did, where process ids are not the kernel's: as in a container. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sameRules } from '../../src/nftables/language/compare.js';
import { parseTable } from '../../src/nftables/language/listing.js';
import type { Ruleset } from '../../src/nftables/language/types.js';
import { chains } from '../../src/nftables/names/chains.js';
import { setName } from '../../src/nftables/names/sets.js';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { RecordedPrograms } from '../support/lab/recorded-programs.js';
import { describePackets } from '../support/lab/requirements.js';
import { until } from '../support/until.js';

const hosts = { client: 11, server: 12, other: 13 } as const;
const [server4, server6] = ['10.244.1.12', 'fd00:10:244:1::12'];

interface Changing {
  /** Whether a second policy isolates another pod. */
  readonly second: boolean;
  readonly label?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function cluster({ second, label = 'a', annotations = {} }: Changing): readonly Manifest[] {
  const { metadata, ...x } = namespace('x', { label });
  return [
    node('n1'),
    { ...x, metadata: { ...metadata, annotations } },
    ...Object.entries(hosts).map(([name, host]) => pod(`${name}.x`, { host, labels: { app: name, label } })),
    policy('first.x', { podSelector: { matchLabels: { app: 'server' } }, ingress: [{ from: [{ podSelector: {} }] }] }),
    ...(second
      ? [
          policy('second.x', {
            podSelector: { matchLabels: { app: 'other' } },
            ingress: [{ from: [{ podSelector: { matchLabels: { label } } }] }],
          }),
        ]
      : []),
  ];
}

/** A command of another process, and what shows that it is repaired. */
interface Damage {
  readonly nft: string;
  readonly repaired: (now: Ruleset, before: Ruleset) => boolean;
}

const has =
  (set: string, element: string) =>
  ({ sets }: Ruleset): boolean =>
    sets.get(set)?.elements.has(element) === true;
const keeps =
  (chain: string) =>
  (now: Ruleset, before: Ruleset): boolean =>
    sameRules(now.chains.get(chain)?.rules ?? [], before.chains.get(chain)?.rules ?? []);
const pods = setName.pods('IPv4');
const damages: readonly Damage[] = [
  ...[
    ['set', setName.isolated('ingress', 'IPv4'), server4],
    ['set', setName.isolated('ingress', 'IPv6'), server6],
    ['map', setName.dispatch('ingress', 'IPv4'), server4],
    ['set', pods, server4],
  ].map(([kind = '', set = '', element = '']) => ({
    nft: `flush ${kind} inet podwall ${set}`,
    repaired: has(set, element),
  })),
  ...['forward', 'egress', 'ingress'].map((chain) => ({
    nft: `flush chain inet podwall ${chain}`,
    repaired: keeps(chain),
  })),
  { nft: 'insert rule inet podwall forward accept', repaired: keeps('forward') },
  { nft: `delete element inet podwall ${pods} { ${server4} }`, repaired: has(pods, server4) },
  { nft: `add element inet podwall ${pods} { 10.9.9.9 }`, repaired: (now) => !has(pods, '10.9.9.9')(now) },
  { nft: 'add chain inet podwall foreign', repaired: (now) => !now.chains.has('foreign') },
];

describePackets('an agent in a PID namespace of its own', () => {
  let lab: Lab;
  let agent: AgentProcess;
  let programs: RecordedPrograms;
  const directory = (): string => join(lab.folder, 'manifests');
  const write = (state: Changing): Promise<void> => lab.writeManifests(directory(), { cluster: cluster(state) });
  const held = async (family: 'inet' | 'netdev' = 'inet'): Promise<Ruleset> =>
    parseTable((await lab.run('n1', 'nft', '-j', 'list', 'table', family, 'podwall')).stdout);

  beforeAll(async () => {
    lab = await Lab.create([labNode(1)]);
    for (const [name, host] of Object.entries(hosts))
      await lab.addPod({ namespace: 'x', name, node: 'n1', addresses: [`10.244.1.${host}`, `fd00:10:244:1::${host}`] });
    await write({ second: false });
    programs = await RecordedPrograms.create(lab.folder, ['nft', 'ip', 'bridge']);
    agent = await lab.startAgent('n1', { manifests: directory() }, { programs: programs.folder });
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test('reads nothing and starts no process for changes of policies, labels and namespaces, and repairs nothing', async () => {
    await until(async () => {
      const before = await programs.lines();
      await delay(500);
      return (await programs.lines()).length === before.length;
    }, 20_000);
    const before = await programs.lines();
    expect(before.join('\n')).toMatch(/^nft -i$/m);
    for (let index = 0; index < 20; index += 1) {
      const seen = agent.lines.length;
      await write({ second: index % 2 === 0, label: `l${index}` });
      await agent.applied(seen);
    }
    await write({ second: false, annotations: { 'podwall.dev/source-guard': 'off' } });
    await until(async () => {
      const { chains: left } = await held('netdev');
      return [...left.keys()].every((name) => chains.meaningAs('guard', name) === undefined);
    });
    // An event that comes late is waited for.
    await delay(500);
    // Once in ten seconds it makes a sign that `ip monitor` must report, whatever changes.
    const started = (await programs.lines()).slice(before.length).filter((line) => line !== 'ip -batch -');
    expect(started).toEqual([]);
    expect(await agent.status()).toMatchObject({ repairs: 0, failures: 0 });
  }, 50_000);

  test('damage beside a stream of its own changes is repaired within three seconds, each time, and counted', async () => {
    await write({ second: false });
    await delay(200);
    const [before, { repairs }] = [await held(), await agent.status()];
    const ending = new AbortController();
    let changes = 0;
    const changing = (async () => {
      for (; !ending.signal.aborted; changes += 1) {
        await write({ second: changes % 2 === 0 });
        await delay(20);
      }
    })();
    const slow: string[] = [];
    for (let index = 0; index < 60; index += 1) {
      const damage = damages[index % damages.length];
      if (damage === undefined) continue;
      await lab.run('n1', 'sh', '-c', `nft '${damage.nft}'`);
      const deadline = performance.now() + 3000;
      while (!damage.repaired(await held(), before) && performance.now() < deadline) await delay(10);
      if (!damage.repaired(await held(), before)) slow.push(`${index}: ${damage.nft}`);
      await delay(Math.random() * 40);
    }
    ending.abort();
    await changing;
    expect(slow).toEqual([]);
    expect(changes).toBeGreaterThan(60);
    await until(async () => Number((await agent.status())['repairs']) >= Number(repairs) + 60);
  }, 240_000);
});
