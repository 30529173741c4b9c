/** Streams that a policy change meets in the middle, and what their ends may try then. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import type { Flow } from '../support/lab/flows.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { Capture } from '../support/lab/raw.js';
import { describePackets } from '../support/lab/requirements.js';

const port = 8080;
const client = { node: 'n1', addresses: ['10.244.1.11', 'fd00:10:244:1::11'] } as const;
const server = { node: 'n2', addresses: ['10.244.2.12', 'fd00:10:244:2::12'] } as const;
const objects: readonly Manifest[] = [
  node('n1'),
  node('n2'),
  namespace('x'),
  pod('client.x', { ...client, labels: { role: 'client' } }),
  pod('server.x', { ...server, labels: { role: 'server' } }),
];
const serverDenies = policy('none.x', { podSelector: { matchLabels: { role: 'server' } } });
const serverAllows = policy('none.x', { podSelector: { matchLabels: { role: 'server' } }, ingress: [{}] });

describePackets('streams in the middle', () => {
  let lab: Lab;
  let directory: string;
  let agents: AgentProcess[] = [];

  const start = async (flags: Readonly<Record<string, string>>): Promise<void> => {
    await Promise.all(agents.map((agent) => agent.kill()));
    await lab.writeManifests(directory, { cluster: objects });
    agents = await Promise.all(lab.nodeNames.map((name) => lab.startAgent(name, { manifests: directory, ...flags })));
  };
  /** Resolves when the server's node has the state in its kernel. */
  const apply = async (...policies: readonly Manifest[]): Promise<void> => {
    const [, onServersNode] = agents;
    const seen = onServersNode?.lines.length;
    await lab.writeManifests(directory, { cluster: [...objects, ...policies] });
    await onServersNode?.applied(seen);
  };
  const open = async (family: 4 | 6): Promise<Flow> => {
    const to = server.addresses[family === 4 ? 0 : 1];
    const flow = await lab.prober.openStream({ from: lab.netns('client.x'), to, port });
    if (flow === undefined) throw new Error('the stream does not open');
    expect(await flow.carries('toServer')).toBe(true);
    expect(await flow.carries('toClient')).toBe(true);
    return flow;
  };

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'ptp'), labNode(2, 'bridge')]);
    directory = join(lab.folder, 'manifests');
    await lab.addPods([
      { namespace: 'x', name: 'client', ...client },
      { namespace: 'x', name: 'server', ...server },
    ]);
    for (const protocol of ['TCP', 'UDP'] as const) lab.prober.serve(lab.netns('server.x'), port, protocol);
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  describe('--established=reevaluate, the default', () => {
    beforeAll(() => start({}), 60_000);
    beforeEach(() => apply(serverAllows));

    test.each([4, 6] as const)('IPv%i: a deny cuts with the next packet, both ways', async (family) => {
      using flow = await open(family);
      await apply(serverDenies);
      expect(await flow.carries('toServer')).toBe(false);
      expect(await flow.carries('toClient')).toBe(false);
    });

    test('UDP in the middle is cut as well', async () => {
      const [from, to] = [lab.netns('client.x'), server.addresses[0]];
      using flow = lab.prober.openUdpFlow({ from, to, port, server: lab.netns('server.x') });
      expect(await flow.carries('toServer')).toBe(true);
      await apply(serverDenies);
      expect(await flow.carries('toServer')).toBe(false);
      expect(await flow.carries('toClient')).toBe(false);
    });

    test('a widening change interrupts nothing', async () => {
      using flow = await open(4);
      await apply(serverAllows, policy('more.x', { podSelector: {}, ingress: [{}] }));
      expect(await flow.carries('toServer')).toBe(true);
      expect(await flow.carries('toClient')).toBe(true);
    });

    test("a cut client that resets does not come back by the server's retransmission", async () => {
      using flow = await open(4);
      await apply(serverDenies);
      using capture = new Capture(lab.netns('client.x'), 'eth0');
      // Unanswered bytes: the server sends them again and again, conntrack has lost the stream by then.
      expect(flow.send('toClient', 'brought back')).toBe(true);
      flow.reset();
      expect(await capture.sees((frame) => frame.includes('brought back'), 1500)).toBe(false);
    });

    test('a denied stream stays cut when conntrack forgets it', async () => {
      using flow = await open(4);
      await apply(serverDenies);
      for (const name of lab.nodeNames) await lab.run(name, 'conntrack', '-F');
      expect(await flow.carries('toServer')).toBe(false);
      expect(await flow.carries('toClient')).toBe(false);
    });
  });

  describe('without Podwall', () => {
    test("the server's retransmission reaches a client that has reset", async () => {
      await Promise.all(agents.map((agent) => agent.kill()));
      for (const name of lab.nodeNames) await lab.run(name, 'nft', 'flush', 'ruleset');
      using flow = await open(4);
      using capture = new Capture(lab.netns('client.x'), 'eth0');
      // In place of policy, the network loses the first transmission and the reset.
      const device = await lab.device('client.x');
      await lab.run('n1', 'ip', 'link', 'set', device, 'down');
      flow.send('toClient', 'brought back');
      await lab.run('n1', 'ip', 'link', 'set', device, 'up');
      await lab.run('n1', 'ip', 'route', 'replace', client.addresses[0], 'dev', device);
      expect(await capture.sees((frame) => frame.includes('brought back'), 3000)).toBe(true);
    }, 20_000);
  });

  describe('--established=keep', () => {
    beforeAll(() => start({ established: 'keep' }), 60_000);

    test('an established stream goes on after a deny, a new one does not open', async () => {
      await apply(serverAllows);
      using flow = await open(4);
      await apply(serverDenies);
      await delay(50);
      expect(await flow.carries('toServer')).toBe(true);
      expect(await flow.carries('toClient')).toBe(true);
      expect(
        await lab.prober.openStream({ from: lab.netns('client.x'), to: server.addresses[0], port }),
      ).toBeUndefined();
    });
  });

  describe('--unknown-pods=deny', () => {
    const stranger = { namespace: 'x', name: 'stranger', node: 'n1', addresses: ['10.244.1.99', 'fd00:10:244:1::99'] };
    beforeAll(() => lab.addPod(stranger), 60_000);
    const ask = (from: string, to: string) =>
      lab.prober.probe([{ from: lab.netns(from), to, port, protocol: 'TCP' }], 300);

    test.each([
      ['allow', 'allowed'],
      ['deny', 'blocked'],
    ])(
      '%s: a pod that nobody knows is %s in both directions',
      async (mode, expected) => {
        await start({ 'unknown-pods': mode });
        lab.prober.serve(lab.netns('stranger.x'), port, 'TCP');
        expect(await ask('stranger.x', server.addresses[0])).toEqual([expected]);
        expect(await ask('server.x', stranger.addresses[0] ?? '')).toEqual([expected]);
        expect(await ask('client.x', server.addresses[0])).toEqual(['allowed']);
      },
      30_000,
    );
  });
});
