/** Rules that are replaced under a flood: no denied packet gets in, and no allowed one is lost. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { ipv4Packet, udpDatagram } from '../support/lab/packets.js';
import { Capture, sendIp } from '../support/lab/raw.js';
import { describePackets } from '../support/lab/requirements.js';

const client = { node: 'n1', addresses: ['10.244.1.11', 'fd00:10:244:1::11'] } as const;
const server = { node: 'n1', addresses: ['10.244.1.12', 'fd00:10:244:1::12'] } as const;
const [allowedPort, deniedPort] = [8080, 9090];
const objects: readonly Manifest[] = [
  node('n1'),
  namespace('x'),
  pod('client.x', { ...client, labels: { role: 'client' } }),
  pod('server.x', { ...server, labels: { role: 'server' } }),
];
const toServer = { podSelector: { matchLabels: { role: 'server' } } };
const udp = (port: number): object => ({ protocol: 'UDP', port });

describePackets('rules replaced under a flood', () => {
  let lab: Lab;
  let directory: string;
  let agent: AgentProcess;

  /** Beside the objects that are always there; of two with one name the last. */
  const apply = async (...more: readonly Manifest[]): Promise<void> => {
    const seen = agent.lines.length;
    const byName = new Map([...objects, ...more].map((one) => [`${one.kind} ${one.metadata.name}`, one]));
    await lab.writeManifests(directory, { cluster: [...byName.values()] });
    await agent.applied(seen);
  };
  const packet = (port: number, text: string): Buffer => {
    const endpoints = { source: client.addresses[0], destination: server.addresses[0], protocol: 17 };
    const ports = { sourcePort: 4000, destinationPort: port };
    return ipv4Packet(endpoints, udpDatagram({ ...endpoints, ...ports }, Buffer.from(text)));
  };
  /** Sends without pause while `work` runs; returns what was sent and what arrived, by its text. */
  const flood = async (port: number, work: () => Promise<void>): Promise<{ sent: number; arrived: Set<string> }> => {
    using capture = new Capture(lab.netns('server.x'), 'eth0');
    const ending = new AbortController();
    const arrived = new Set<string>();
    const drain = async (milliseconds: number): Promise<void> => {
      for (const frame of await capture.frames((one) => one.includes('flood-'), milliseconds))
        arrived.add(/flood-\d+/.exec(frame.toString('latin1'))?.[0] ?? '');
    };
    let sent = 0;
    const sending = (async () => {
      while (!ending.signal.aborted) {
        for (let burst = 0; burst < 20; burst += 1) {
          sendIp(lab.netns('client.x'), packet(port, `flood-${sent}-`));
          sent += 1;
        }
        await drain(0);
        await turn();
      }
    })();
    try {
      await work();
    } finally {
      ending.abort();
      await sending;
    }
    await drain(200);
    return { sent, arrived };
  };
  type State = Manifest | readonly Manifest[];
  const swaps = async (...states: readonly State[]): Promise<void> => {
    for (let round = 0; round < 20; round += 1) await apply(...[states[round % states.length] ?? []].flat());
  };

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'ptp')]);
    directory = join(lab.folder, 'manifests');
    await lab.addPods([
      { namespace: 'x', name: 'client', ...client },
      { namespace: 'x', name: 'server', ...server },
    ]);
    await lab.writeManifests(directory, { cluster: objects });
    agent = await lab.startAgent('n1', { manifests: directory });
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  const rules = (extra: number): Manifest =>
    policy('p.x', { ...toServer, ingress: [{ ports: [udp(allowedPort), udp(extra)] }] });
  const blocks = (...cidrs: readonly string[]): Manifest =>
    policy('p.x', { ...toServer, ingress: [{ from: cidrs.map((cidr) => ({ ipBlock: { cidr } })) }] });

  test('chains swapped: what both states deny never arrives', async () => {
    await apply(rules(1));
    const { sent, arrived } = await flood(deniedPort, () => swaps(rules(2), rules(3)));
    expect([...arrived]).toEqual([]);
    expect(sent).toBeGreaterThan(1000);
  }, 60_000);

  test('chains swapped: what both states allow always arrives', async () => {
    await apply(rules(1));
    const { sent, arrived } = await flood(allowedPort, () => swaps(rules(2), rules(3)));
    expect(sent - arrived.size).toBe(0);
    expect(sent).toBeGreaterThan(1000);
  }, 60_000);

  const inDryRun = (spec: object): Manifest => {
    const made = policy('q.x', { ...toServer, ...spec });
    return { ...made, metadata: { ...made.metadata, annotations: { 'podwall.dev/mode': 'dry-run' } } };
  };
  const dryRuns = [inDryRun({}), inDryRun({ ingress: [{}] }), inDryRun({ ingress: [{ ports: [udp(1)] }] })] as const;

  test('dry runs that come and go: what is denied never arrives', async () => {
    await apply(rules(1));
    // Beside isolation a dry run that allows nothing changes nothing.
    const states = [...dryRuns.slice(1).map((one) => [rules(1), one]), [rules(1)]];
    const { sent, arrived } = await flood(deniedPort, () => swaps(...states));
    expect([...arrived]).toEqual([]);
    expect(sent).toBeGreaterThan(1000);
  }, 60_000);

  test('dry runs that come and go: what nothing or a rule allows always arrives', async () => {
    await apply();
    const states = [...dryRuns, [], ...dryRuns.map((one) => [rules(1), one])];
    const { sent, arrived } = await flood(allowedPort, () => swaps(...states));
    expect(sent - arrived.size).toBe(0);
    expect(sent).toBeGreaterThan(1000);
  }, 60_000);

  test('a dry run that becomes isolation: nothing that passed in it passes any more', async () => {
    for (let round = 0; round < 10; round += 1) {
      const denies = policy('q.x', toServer);
      await apply(inDryRun({}));
      const { arrived } = await flood(allowedPort, () => apply(denies));
      expect(arrived.size).toBeGreaterThan(0);
      const after = await flood(allowedPort, () => delay(100));
      expect([...after.arrived]).toEqual([]);
    }
  }, 60_000);

  const generation = async (): Promise<number> => {
    const { stdout } = await lab.run('n1', 'nft', 'list', 'chain', 'inet', 'podwall', 'cache-lookup');
    return Number(/cache-lookup(?:-excepting)?-(\d+)/.exec(stdout)?.[1]);
  };

  test('a peer that loses its label again and again: nothing of it passes, though the cache goes on for a second', async () => {
    const byLabel = policy('p.x', {
      ...toServer,
      ingress: [{ from: [{ podSelector: { matchLabels: { role: 'client' } } }] }],
    });
    const labelled = (role: string): readonly [Manifest, Manifest] => [
      pod('client.x', { ...client, labels: { role } }),
      pod('another.x', { node: 'n2', addresses: ['10.244.2.13'], labels: { role } }),
    ];
    const [anyone, nobody] = [labelled('client'), labelled('other')];
    const rounds = 10;
    await apply(byLabel, ...nobody);
    const before = await generation();
    for (let round = 0; round < rounds; round += 1) {
      await apply(byLabel, ...anyone);
      const { arrived } = await flood(allowedPort, async () => {
        // The first may empty the cache, the second soon after it makes an exception.
        await apply(byLabel, anyone[0], nobody[1]);
        await apply(byLabel, ...nobody);
      });
      expect(arrived.size).toBeGreaterThan(0);
      const late = await flood(allowedPort, () => delay(20));
      expect([...late.arrived]).toEqual([]);
      expect(late.sent).toBeGreaterThan(0);
    }
    // The cache is emptied while its exceptions are on the way of packets, and they are given up.
    const { arrived } = await flood(allowedPort, () => delay(1500));
    expect([...arrived]).toEqual([]);
    expect((await generation()) - before).toBeLessThan(2 * rounds);
  }, 60_000);

  test('a block narrowed: nothing that the cache learned in the last moment stays open', async () => {
    for (let round = 0; round < 10; round += 1) {
      await apply(blocks('10.244.1.0/24', '192.0.2.0/24'));
      // The flood teaches the cache the old verdict up to the last moment, and ends with it.
      const { arrived } = await flood(allowedPort, () => apply(blocks('10.244.1.0/29', '192.0.2.0/24')));
      expect(arrived.size).toBeGreaterThan(0);
      // The sweep, which swaps the cache once more, follows the switch.
      await delay(50);
      const late = await flood(allowedPort, () => delay(20));
      expect([...late.arrived]).toEqual([]);
      expect(late.sent).toBeGreaterThan(0);
    }
  }, 60_000);
});
