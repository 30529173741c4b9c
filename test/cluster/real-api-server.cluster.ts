/** A real API server as the source, and what may happen between it and us. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namespace } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import { agentRights } from '../support/agent-rights.js';
import { inParallel } from '../support/in-parallel.js';
import { missingApiServer } from '../support/kube-api-server.js';
import { kubeconfigOf } from '../support/kubeconfig.js';
import { describePackets } from '../support/lab/requirements.js';
import { until } from '../support/until.js';
import { Followed, followsApiServer, object, podNames, podNumbered } from './api-server-suite.js';
import { RealApiServer } from './real-api-server.js';

describePackets(
  'following a real API server',
  () => {
    followsApiServer('as the fake one', () => RealApiServer.start());

    describe('through a bad network', () => {
      let followed: Followed<RealApiServer>;
      let server: RealApiServer;
      let written = 10;

      beforeAll(async () => {
        server = await RealApiServer.start();
        followed = await Followed.start(server);
        await followed.sync();
      }, 60_000);
      afterAll(() => followed[Symbol.asyncDispose](), 30_000);
      beforeEach(() => until(() => server.watching === 4));

      /** One more pod is written, and heard of; nothing else changes. */
      const followsOn = async (within = 10_000): Promise<void> => {
        const before = podNames(followed.cluster);
        const next = podNumbered((written += 1));
        await server.put(next);
        await until(() => podNames(followed.cluster).includes(next.metadata.name), within);
        expect(podNames(followed.cluster)).toEqual([...before, next.metadata.name].sort());
        await until(() => followed.cluster.staleSince() === undefined);
      };

      test('answers that come late', async () => {
        server.proxy.lateness = 300;
        await followsOn();
        server.proxy.lateness = 0;
      }, 20_000);

      test('connections that are closed by half', async () => {
        server.proxy.halfClose();
        await followsOn();
      }, 20_000);

      test('an event that breaks off in the middle', async () => {
        server.proxy.cutNextEvent();
        await followsOn();
      }, 20_000);

      test('connections that fall silent', async () => {
        server.proxy.silent = true;
        const next = podNumbered((written += 1));
        await server.put(next);
        await until(() => followed.cluster.staleSince() !== undefined);
        expect(podNames(followed.cluster)).not.toContain(next.metadata.name);
        server.proxy.silent = false;
        await until(() => podNames(followed.cluster).includes(next.metadata.name));
        await followsOn();
      }, 20_000);

      test('the server is killed and started again while pods are written', async () => {
        const pods = Array.from({ length: 200 }, (_, index) => podNumbered(1000 + index));
        const refused: string[] = [];
        const writing = inParallel(pods, 4, async (pod) => {
          const put = (): Promise<boolean> =>
            server.put(pod).then(
              () => true,
              () => (refused.push(pod.metadata.name), false),
            );
          await until(put, 60_000);
        });
        await until(() => podNames(followed.cluster).includes('p1000'), 30_000);
        await server.kube.stopServer();
        await until(() => followed.cluster.staleSince() !== undefined);
        await server.kube.startServer();
        await writing;
        expect(refused.length).toBeGreaterThan(0);
        const { items } = (await server.kube.admin.call('GET', '/api/v1/pods')) as { items: Manifest[] };
        const there = items.map(({ metadata }) => metadata.name).sort();
        await until(() => podNames(followed.cluster).join() === there.join(), 30_000);
        expect(there).toHaveLength(podNames(followed.cluster).length);
      }, 120_000);
    });

    describe('with other settings', () => {
      let followed: Followed<RealApiServer>;
      afterEach(() => followed[Symbol.asyncDispose](), 30_000);

      test('without streamed lists: pages, and watches from where they end', async () => {
        const server = await RealApiServer.start(['--feature-gates=WatchList=false']);
        followed = await Followed.start(server);
        await server.put(...Array.from({ length: 700 }, (_, index) => podNumbered(index + 1)));
        expect((await followed.sync()).snapshot().pods).toHaveLength(700);
        const pages = server.requests.filter((path) => path.startsWith('/api/v1/pods?limit=500'));
        expect(pages.map((path) => path.includes('continue='))).toEqual([false, true]);
        await server.put(podNumbered(2000));
        await until(() => podNames(followed.cluster).includes('p2000'));
      }, 90_000);

      test('a token that expires: reported as such, and the rotated one is read from its file', async () => {
        const server = await RealApiServer.start();
        followed = await Followed.start(server);
        const { admin } = server.kube;
        const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'agent', namespace: 'x' } };
        await admin.create(account);
        for (const right of agentRights({ kind: 'ServiceAccount', ...account.metadata })) await admin.apply(right);
        const tokenFile = join(followed.config, '../token');
        // The server is lenient for a minute.
        await writeFile(tokenFile, await server.kube.accountToken(account, 5 - 60));
        await writeFile(followed.config, kubeconfigOf({ server: server.url, user: { tokenFile } }));
        const cluster = await followed.sync();
        await server.put(object(namespace('y')));
        await until(() => {
          server.cutWatches();
          return followed.errors.some((message) => message.includes('does not accept our credentials'));
        }, 60_000);
        expect(cluster.staleSince()).toBeDefined();
        await server.put(podNumbered(8));
        await writeFile(tokenFile, await server.kube.accountToken(account, 600));
        await until(() => podNames(cluster).includes('p8'));
        await until(() => cluster.staleSince() === undefined);
      }, 120_000);
    });
  },
  missingApiServer,
);
