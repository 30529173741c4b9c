/** The agent on a real kube-apiserver: real packets follow what is written there. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidPolicies } from '../cases/invalid-policies.js';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import { AgentProcess } from '../support/lab/agent-process.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { missingForPackets } from '../support/lab/packages.js';
import { settle } from '../support/lab/table.js';
import { KubeApiServer, missingApiServer } from '../support/kube-api-server.js';

const reason = missingForPackets() ?? missingApiServer;
const suite = reason === undefined ? describe : describe.skip;
const address = '172.30.0.100';

const rbac = 'rbac.authorization.k8s.io/v1';

suite(`a real API server${reason === undefined ? '' : ` (${reason})`}`, () => {
  let lab: Lab;
  let server: KubeApiServer;
  let agents: AgentProcess[];

  const becomes = async (outcome: 'allowed' | 'blocked', within = 10_000): Promise<void> => {
    const cell = {
      from: lab.netns('client.x'),
      to: '10.244.2.12',
      port: 80,
      protocol: 'TCP',
      expected: outcome,
    } as const;
    const { wrong } = await settle(lab.prober, [cell], { within, timeout: 250 });
    expect(wrong).toEqual([]);
  };
  const deny = policy('deny.x', { podSelector: { matchLabels: { app: 'server' } }, policyTypes: ['Ingress'] });

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'ptp'), labNode(2, 'bridge')]);
    await lab.addPods([
      { namespace: 'x', name: 'client', node: 'n1', addresses: ['10.244.1.11'] },
      { namespace: 'x', name: 'server', node: 'n2', addresses: ['10.244.2.12'] },
    ]);
    lab.prober.serve(lab.netns('server.x'), 80, 'TCP');
    const folder = join(lab.folder, 'apiserver');
    await mkdir(folder);
    server = await KubeApiServer.start({ netns: lab.netns('outside'), address, folder });
    const rules = [
      { apiGroups: [''], resources: ['pods', 'namespaces', 'nodes'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['get', 'list', 'watch'] },
    ];
    const objects: Manifest[] = [
      { apiVersion: rbac, kind: 'ClusterRole', metadata: { name: 'podwall' }, rules } as Manifest,
      {
        apiVersion: rbac,
        kind: 'ClusterRoleBinding',
        metadata: { name: 'podwall' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'podwall' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'agent' }],
      } as Manifest,
      ...(['n1', 'n2'] as const).map((name) => node(name, 'IPv4')),
      namespace('x'),
      pod('client.x', { node: 'n1', addresses: ['10.244.1.11'], labels: { app: 'client' } }),
      pod('server.x', { node: 'n2', addresses: ['10.244.2.12'], labels: { app: 'server' } }),
    ];
    for (const object of objects) await server.admin.create(object);
    const kubeconfig = await server.kubeconfig('agent');
    agents = lab.nodeNames.map(
      (name) =>
        new AgentProcess({
          netns: lab.netns(name),
          node: name,
          stateDir: join(lab.folder, `state-${name}`),
          flags: { kubeconfig },
        }),
    );
    await Promise.all(agents.map((agent) => agent.applied(0, 30_000)));
  }, 120_000);
  afterAll(async () => {
    await Promise.all(agents.map((agent) => agent.kill()));
    await server[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  }, 60_000);

  test('a policy that is written denies, one that is deleted does not', async () => {
    await becomes('allowed');
    await server.admin.create(deny);
    await becomes('blocked');
    await server.admin.delete(deny);
    await becomes('allowed');
  }, 60_000);

  test('a label changed on a pod changes the verdict', async () => {
    await server.admin.create(
      policy('web.x', {
        podSelector: { matchLabels: { app: 'server' } },
        ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }],
      }),
    );
    await becomes('blocked');
    await server.admin.call('PATCH', '/api/v1/namespaces/x/pods/client', { metadata: { labels: { app: 'web' } } });
    await becomes('allowed');
  }, 60_000);

  test('while the server is away the rules stay and status says so; on its return what was written is enforced', async () => {
    await server.stopServer();
    await becomes('allowed');
    const stale = async (): Promise<boolean> => (await agents[1]?.status())?.['staleSeconds'] !== undefined;
    for (let turn = 0; turn < 100 && !(await stale()); turn += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await stale()).toBe(true);
    await server.startServer();
    await server.admin.create(deny);
    await server.admin.call('PATCH', '/api/v1/namespaces/x/pods/client', { metadata: { labels: { app: 'client' } } });
    await becomes('blocked', 20_000);
    // Each kind finds the server again in its own time.
    for (let turn = 0; turn < 200 && (await stale()); turn += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await stale()).toBe(false);
  }, 90_000);

  test.each(invalidPolicies)('refuses, in the words that we use: $title', async ({ name = 'p', spec, says }) => {
    const manifest = policy(`${name}.x`, spec);
    await expect(server.admin.create(manifest)).rejects.toThrow(says);
  });

  test('without rights: an error that names verb and resource, and nothing enforced from half a view', async () => {
    const space = lab.netns('n1');
    const kubeconfig = await server.kubeconfig('nobody');
    await agents[0]?.kill();
    await execa('ip', ['netns', 'exec', space, 'nft', 'flush', 'ruleset']);
    const agent = new AgentProcess({
      netns: space,
      node: 'n1',
      stateDir: join(lab.folder, 'state-nobody'),
      flags: { kubeconfig },
    });
    for (let turn = 0; turn < 100 && agent.lines.length < 4; turn += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    await agent.kill();
    expect(JSON.stringify(agent.lines)).toContain('list and watch of pods are forbidden (RBAC)');
    expect((await execa('ip', ['netns', 'exec', space, 'nft', 'list', 'tables'])).stdout).toBe('');
  }, 30_000);
});
