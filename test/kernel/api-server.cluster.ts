/** Agents on real packets while the way to the API server is bad, its history is forgotten, or much is written at once. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateCluster } from '../bench/generated-cluster.js';
import { manifestsOf } from '../bench/manifests.js';
import { policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { ApiProxy } from '../support/api-proxy.js';
import { missingApiServer } from '../support/kube-api-server.js';
import { inParallel } from '../support/in-parallel.js';
import { findOldEtcd, missingOldEtcd } from '../build/packages/old-etcd.js';
import { describePackets } from '../support/lab/requirements.js';
import { describeWrong, watch } from '../support/lab/table.js';
import { until } from '../support/until.js';
import { ApiServerLab } from './api-server-lab.js';

/** So many writes go on at once. */
const writers = 16;
const server = { podSelector: { matchLabels: { app: 'server' } } };
const deny = policy('deny.x', { ...server, policyTypes: ['Ingress'] });
const allowFrom = (app: string): Manifest =>
  policy(`from-${app}.x`, { ...server, ingress: [{ from: [{ podSelector: { matchLabels: { app } } }] }] });

describePackets(
  'agents of a real API server',
  () => {
    describe('through a proxy', () => {
      let cluster: ApiServerLab;
      let proxy: ApiProxy;

      beforeAll(async () => {
        cluster = await ApiServerLab.start('proxied');
        if (cluster.proxy === undefined) throw new Error('no proxy');
        ({ proxy } = cluster);
      }, 120_000);
      afterAll(() => cluster[Symbol.asyncDispose](), 60_000);

      test.each([
        ['answers that come late', () => (proxy.lateness = 500)],
        ['connections that are reset', () => proxy.cut()],
        ['connections that are closed by half', () => proxy.halfClose()],
        ['an event that breaks off in the middle', () => proxy.cutNextEvent()],
        ['broken JSON', () => proxy.inject('{"type":"ADDED","object":{"kind"\n')],
        ['half a line', () => proxy.endWith('{"type":"ADDED"')],
      ])(
        '%s: what is written is enforced all the same',
        async (_, happens) => {
          const { admin } = cluster.server;
          await cluster.becomes('allowed');
          await until(() => proxy.watching === 8);
          happens();
          await admin.create(deny);
          await cluster.becomes('blocked');
          await admin.delete(deny);
          await cluster.becomes('allowed');
          proxy.lateness = 0;
        },
        60_000,
      );

      test('410 after a compaction: no gap meanwhile, and what came and went is found', async () => {
        const { admin } = cluster.server;
        await admin.create(allowFrom('client'));
        const before = [cluster.call('client', 'allowed'), cluster.call('stranger', 'blocked')];
        await cluster.becomes('allowed');
        await until(async () => (await cluster.lab.prober.probe(before, 250)).join() === 'allowed,blocked', 10_000);
        const { rounds, wrong } = await watch(cluster.lab.prober, before, async () => {
          proxy.closed = true;
          proxy.cut();
          await admin.delete(allowFrom('client'));
          await admin.create(allowFrom('stranger'));
          await cluster.server.stopServer();
          await cluster.server.compact();
          await cluster.server.startServer();
        });
        expect(wrong.map(describeWrong)).toEqual([]);
        expect(rounds).toBeGreaterThanOrEqual(5);
        proxy.closed = false;
        await cluster.becomes('blocked', 30_000);
        const now = [cluster.call('client', 'blocked'), cluster.call('stranger', 'allowed')];
        await until(async () => (await cluster.lab.prober.probe(now, 250)).join() === 'blocked,allowed', 10_000);
        await admin.delete(allowFrom('stranger'));
      }, 120_000);
    });

    test('5,000 pods and 2,000 policies are written while packets are checked: no wrong verdict', async () => {
      await using cluster = await ApiServerLab.start('straight');
      const { admin } = cluster.server;
      await admin.create(allowFrom('client'));
      const before = [cluster.call('client', 'allowed'), cluster.call('stranger', 'blocked')];
      await until(async () => (await cluster.lab.prober.probe(before, 250)).join() === 'allowed,blocked', 10_000);
      const { nodes, namespaces, pods, policies } = bulk();
      const { rounds, wrong } = await watch(cluster.lab.prober, before, async () => {
        for (const objects of [
          [...nodes, ...namespaces],
          [...pods, ...policies],
        ])
          await inParallel(objects, writers, (object) => admin.create(object));
        for (const agent of cluster.agents)
          await until(async () => (await agent.status())['policies'] === policies.length + 1, 60_000);
      });
      expect(wrong.map(describeWrong)).toEqual([]);
      expect(rounds).toBeGreaterThanOrEqual(5);
      // They are in the kernel, and not only read: every twentieth policy lets others in to the server.
      const { stdout } = await cluster.lab.run('n2', 'nft', 'list', 'table', 'inet', 'podwall');
      const fromBulk = (pods[0] as { status: { podIPs: { ip: string }[] } }).status.podIPs[0]?.ip ?? 'none';
      expect(stdout).toContain(fromBulk);
    }, 600_000);
  },
  missingApiServer,
);

const oldEtcd = await findOldEtcd();

describePackets(
  'an API server on an etcd that is too old for streamed lists',
  () => {
    test('refuses them by an event; agents list in pages, watch from there, and enforce', async () => {
      await using cluster = await ApiServerLab.start('proxied', { etcd: oldEtcd });
      const { admin } = cluster.server;
      const streamed = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
      const answer = await admin.call('GET', `/api/v1/pods?${streamed}&timeoutSeconds=5`);
      expect(answer).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 500 } });
      for (const kind of ['/api/v1/pods', '/apis/networking.k8s.io/v1/networkpolicies']) {
        const asked = cluster.proxy?.requests.filter((path) => path.startsWith(`${kind}?`)) ?? [];
        const ways = asked.map((path) =>
          path.includes('sendInitialEvents=true') ? 'streamed' : path.includes('watch=1') ? 'watch' : 'pages',
        );
        // Each of the two agents: the refusal, then pages; the watch takes over.
        expect(ways.sort()).toEqual(['pages', 'pages', 'streamed', 'streamed', 'watch', 'watch']);
      }
      await cluster.becomes('allowed');
      await admin.create(deny);
      await cluster.becomes('blocked');
      await admin.create(allowFrom('client'));
      await cluster.becomes('allowed');
      await admin.delete(allowFrom('client'));
      await cluster.becomes('blocked');
      await admin.delete(deny);
      await cluster.becomes('allowed');
    }, 120_000);
  },
  missingApiServer ?? (oldEtcd === undefined ? missingOldEtcd : undefined),
);

/** A large cluster on nodes that the lab does not have; every twentieth policy is about the lab's server. */
function bulk(): Readonly<Record<'nodes' | 'namespaces' | 'pods' | 'policies', readonly Manifest[]>> {
  const cluster = generateCluster({ policies: 2000, pods: 5000, namespaces: 100, localPods: 0 });
  const elsewhere = (node: string): string => `far-${node}`;
  const objects = manifestsOf({
    ...cluster,
    nodes: cluster.nodes.map((node) => ({ ...node, name: elsewhere(node.name) })),
    pods: cluster.pods.map((pod) => ({ ...pod, node: elsewhere(pod.node) })),
  }) as unknown as Record<'nodes' | 'namespaces' | 'pods' | 'policies', Manifest[]>;
  const policies = objects.policies.map((one, index) => (index % 20 === 0 ? allowTeam(index / 20) : one));
  return { ...objects, policies };
}

function allowTeam(index: number): Manifest {
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': `team-${index}` } };
  return policy(`team-${index}.x`, { ...server, ingress: [{ from: [{ namespaceSelector, podSelector: {} }] }] });
}
