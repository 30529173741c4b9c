/** The agent on a real kube-apiserver: real packets follow what is written there. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { join } from 'node:path';
import { invalidPolicies } from '../cases/invalid-policies.js';
import { policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import { AgentProcess } from '../support/lab/agent-process.js';
import type { Lab } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';
import { missingApiServer, type KubeApiServer } from '../support/kube-api-server.js';
import { ApiServerLab } from './api-server-lab.js';

const deny = policy('deny.x', { podSelector: { matchLabels: { app: 'server' } }, policyTypes: ['Ingress'] });

describePackets(
  'a real API server',
  () => {
    let cluster: ApiServerLab;
    let lab: Lab;
    let server: KubeApiServer;

    beforeAll(async () => {
      cluster = await ApiServerLab.start('straight');
      ({ lab, server } = cluster);
    }, 120_000);
    afterAll(() => cluster[Symbol.asyncDispose](), 60_000);

    test('a policy that is written denies, one that is deleted does not', async () => {
      await cluster.becomes('allowed');
      await server.admin.create(deny);
      await cluster.becomes('blocked');
      const system = await server.admin.call('GET', '/api/v1/namespaces/kube-system');
      const record = await cluster.auditTrail('n2').find({ 'podwall.reason': 'default-deny' });
      expect(record['k8s.cluster.uid']).toBe((system as Manifest).metadata.uid);
      await server.admin.delete(deny);
      await cluster.becomes('allowed');
    }, 60_000);

    test('a label changed on a pod changes the verdict', async () => {
      await server.admin.create(
        policy('web.x', {
          podSelector: { matchLabels: { app: 'server' } },
          ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }],
        }),
      );
      await cluster.becomes('blocked');
      await server.admin.call('PATCH', '/api/v1/namespaces/x/pods/client', { metadata: { labels: { app: 'web' } } });
      await cluster.becomes('allowed');
    }, 60_000);

    test('while the server is away the rules stay and status says so; on its return what was written is enforced', async () => {
      await server.stopServer();
      await cluster.becomes('allowed');
      const stale = async (): Promise<boolean> => (await cluster.agents[1]?.status())?.['staleSeconds'] !== undefined;
      for (let turn = 0; turn < 100 && !(await stale()); turn += 1)
        await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await stale()).toBe(true);
      await server.startServer();
      await server.admin.create(deny);
      await server.admin.call('PATCH', '/api/v1/namespaces/x/pods/client', { metadata: { labels: { app: 'client' } } });
      await cluster.becomes('blocked', 20_000);
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
      await cluster.agents[0]?.kill();
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
  },
  missingApiServer,
);
