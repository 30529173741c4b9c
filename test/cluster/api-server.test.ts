import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiServerSource } from '../../src/cluster/api-server/api-server-source.js';
import { InputError, type SourceChange, type SyncedCluster } from '../../src/cluster/types.js';
import { namespace, node, pod, policy } from '../cases/objects.js';
import { FakeApiServer, type ApiObject } from '../support/fake-api-server.js';
import { until } from '../support/until.js';

const times = { silence: 1500, streamedList: 1000, firstRetry: 5, longestRetry: 50 };
const object = (manifest: object): ApiObject => manifest as ApiObject;
const podNumbered = (index: number): ApiObject =>
  object(pod(`p${index}.x`, { addresses: [`10.244.${index >> 8}.${index & 255}`], labels: { app: 'web' } }));
const names = (cluster: SyncedCluster): string[] => cluster.snapshot().pods.map(({ ref }) => ref.name);

describe('the API server as a source', () => {
  let server: FakeApiServer;
  let folder: string;
  let config: string;
  let cluster: SyncedCluster | undefined;
  let ending: AbortController;
  const errors: string[] = [];
  const heard: SourceChange[] = [];

  const source = (): ApiServerSource =>
    new ApiServerSource({ kubeconfig: config, times, onError: (message) => void errors.push(message) });
  const sync = async (): Promise<SyncedCluster> => {
    const synced = await source().sync(ending.signal);
    synced.onChange((change) => void heard.push(change));
    return (cluster = synced);
  };

  beforeEach(async () => {
    ending = new AbortController();
    server = await FakeApiServer.start();
    folder = await mkdtemp(join(tmpdir(), 'podwall-api-'));
    config = join(folder, 'config');
    await writeFile(config, server.kubeconfig);
    server.put(...[node('n1'), namespace('x'), policy('deny.x', { podSelector: {} })].map(object));
    for (let index = 1; index <= 3; index += 1) server.put(podNumbered(index));
    errors.length = 0;
    heard.length = 0;
  });
  afterEach(async () => {
    ending.abort();
    cluster?.[Symbol.dispose]();
    cluster = undefined;
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  test.each(['yes', 'refused', 'error in the stream', 'never ends'] as const)(
    'streamed lists: %s; everything is there before there is a snapshot',
    async (streams) => {
      server.faults.streams = streams;
      for (let index = 4; index <= 1200; index += 1) server.put(podNumbered(index));
      const snapshot = (await sync()).snapshot();
      expect([snapshot.pods.length, snapshot.nodes.length, snapshot.namespaces.length]).toEqual([1200, 1, 1]);
      expect(snapshot.policies.map(({ ref }) => ref.name)).toEqual(['deny']);
      expect(server.requests.some((path) => path.includes('continue='))).toBe(streams !== 'yes');
      server.put(podNumbered(2000));
      await until(() => names(cluster as SyncedCluster).includes('p2000'));
    },
  );

  test('changes are told as they come, and nothing that we do not read', async () => {
    const synced = await sync();
    server.put({ ...podNumbered(1), metadata: { ...podNumbered(1).metadata, labels: { app: 'db' } } });
    server.put({ ...podNumbered(2), metadata: { ...podNumbered(2).metadata, annotations: { touched: 'yes' } } });
    server.delete(podNumbered(3));
    await until(() => heard.flatMap(({ changes }) => changes).length === 2);
    expect(heard.flatMap(({ changes }) => changes)).toMatchObject([
      { kind: 'pod', pod: { labels: { app: 'db' } } },
      { kind: 'pod', ref: { name: 'p3' } },
    ]);
    expect(names(synced)).toEqual(['p1', 'p2']);
  });

  test('labels that are equal are one object', async () => {
    const [first, second] = (await sync()).snapshot().pods;
    expect(first?.labels).toBe(second?.labels);
  });

  test('a cut watch resumes where it was, without a list', async () => {
    await sync();
    const before = server.requests.length;
    server.cutWatches();
    server.put(podNumbered(4));
    await until(() => names(cluster as SyncedCluster).includes('p4'));
    expect(server.requests.slice(before).every((path) => path.includes('resourceVersion='))).toBe(true);
    expect(server.requests.slice(before).some((path) => path.includes('sendInitialEvents'))).toBe(false);
  });

  test('410: what vanished meanwhile is found by a new list', async () => {
    await sync();
    await server.stop();
    server.delete(podNumbered(1));
    server.put(podNumbered(5));
    server.compact();
    await until(() => (cluster as SyncedCluster).staleSince() !== undefined);
    expect((cluster as SyncedCluster).problems()[0]?.diagnostic.message).toContain('last known state stays in force');
    expect(names(cluster as SyncedCluster)).toEqual(['p1', 'p2', 'p3']);
    await server.listen();
    await until(() => names(cluster as SyncedCluster).join() === 'p2,p3,p5');
    await until(() => (cluster as SyncedCluster).staleSince() === undefined);
    expect((cluster as SyncedCluster).problems()).toEqual([]);
    expect(heard.flatMap(({ changes }) => changes)).toMatchObject([
      { kind: 'pod', pod: { ref: { name: 'p5' } } },
      { kind: 'pod', ref: { name: 'p1' } },
    ]);
  });

  test.each([
    ['broken JSON', '{"type":"ADDED","object":{"kind"\n'],
    ['a line that is no event', '"surprise"\n'],
    ['half a line and the end', '{"type":"ADDED"'],
  ])('%s in a watch loses nothing', async (_, text) => {
    await sync();
    await until(() => server.watching === 4);
    server.writeRaw(text);
    if (!text.endsWith('\n')) server.cutWatches();
    server.put(podNumbered(6));
    await until(() => names(cluster as SyncedCluster).includes('p6'));
    expect(names(cluster as SyncedCluster)).toHaveLength(4);
  });

  test('a watch that falls silent is opened again', async () => {
    await sync();
    const before = server.requests.length;
    await until(() => server.requests.length >= before + 4);
    expect(names(cluster as SyncedCluster)).toHaveLength(3);
  });

  test('a forbidden kind: no snapshot, and an error that names verb and resource; granted later, it goes on', async () => {
    const path = '/apis/networking.k8s.io/v1/networkpolicies';
    server.faults.refused.set(path, 403);
    const waiting = sync();
    await until(() => errors.length > 0);
    expect(errors[0]).toContain('list and watch of networkpolicies in networking.k8s.io are forbidden (RBAC)');
    server.faults.refused.delete(path);
    expect((await waiting).snapshot().policies).toHaveLength(1);
  });

  test('a policy of a newer API is judged by what we know of it, and a bad one is broken', async () => {
    server.put(object(policy('new.x', { podSelector: {}, futureField: 1 })));
    server.put(object(policy('bad.x', { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: 'nonsense' } }] }] })));
    const { policies } = (await sync()).snapshot();
    expect(policies.map(({ ref, kind }) => [ref.name, kind])).toEqual([
      ['deny', 'policy'],
      ['new', 'policy'],
      ['bad', 'broken'],
    ]);
    expect((cluster as SyncedCluster).problems()).toMatchObject([
      { object: { name: 'new' }, diagnostic: { severity: 'warning', path: ['spec', 'futureField'] } },
      { object: { name: 'bad' }, diagnostic: { severity: 'error' } },
    ]);
  });

  test('while the server is away at the start it is waited for, until told to stop', async () => {
    await server.stop();
    const stop = new AbortController();
    const waiting = source().sync(stop.signal);
    await until(() => errors.length > 0);
    stop.abort();
    await expect(waiting).rejects.toThrow();
    await server.listen();
  });

  test.each([
    ['a file that is not there', { kubeconfig: '/nowhere/config' }, '/nowhere/config'],
    ['a context that is not there', { context: 'other' }, 'no context other; there are: test'],
  ])('%s is the user’s error', async (_, choice, text) => {
    const wrong = new ApiServerSource({ kubeconfig: config, ...choice });
    await expect(wrong.sync()).rejects.toThrow(InputError);
    await expect(wrong.sync()).rejects.toThrow(text);
  });
});
