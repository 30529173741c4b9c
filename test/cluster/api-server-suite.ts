/** What following an API server means: the same tests on our fake and on the real one, so that the fake stays honest. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiServerSource, type ApiServerOptions } from '../../src/cluster/api-server/api-server-source.js';
import type { SourceChange, SyncedCluster } from '../../src/cluster/types.js';
import { namespace, node, nodeAddresses, pod, policy } from '../cases/objects.js';
import type { ApiObject } from '../support/fake-api-server.js';
import { OwnNode } from '../../src/node/reports/own-node.js';
import { until } from '../support/until.js';

/** An API server under the test's control; the fake does at once what the real one takes its time for. */
export interface TestServer extends AsyncDisposable {
  /** Its text. */
  readonly kubeconfig: string;
  /** Path and query of every request, in order. */
  readonly requests: readonly string[];
  readonly watching: number;
  put(...objects: readonly ApiObject[]): void | Promise<void>;
  delete(object: ApiObject): void | Promise<void>;
  /** Nobody is served, and every connection breaks, until `listen`. */
  stop(): void | Promise<void>;
  listen(): void | Promise<void>;
  /** Its history is forgotten: older versions get 410 Gone. */
  compact(): void | Promise<void>;
  cutWatches(): void;
  writeRaw(text: string): void;
  forbid(kind: string): void | Promise<void>;
  permit(kind: string): void | Promise<void>;
}

export const times = { silence: 1500, streamedList: 1000, firstRetry: 5, longestRetry: 50, healthy: 5000 };
export const object = (manifest: object): ApiObject => manifest as ApiObject;
export const podNumbered = (index: number): ApiObject =>
  object(pod(`p${index}.x`, { addresses: [`10.244.${index >> 8}.${index & 255}`], labels: { app: 'web' } }));
export const podNames = (cluster: SyncedCluster): string[] =>
  cluster
    .snapshot()
    .pods.map(({ ref }) => ref.name)
    .sort();

/** A server, and what a source makes of it; one for each test. */
export class Followed<S extends TestServer> implements AsyncDisposable {
  readonly errors: string[] = [];
  readonly heard: SourceChange[] = [];
  readonly server: S;
  readonly #folder: string;
  readonly #ending = new AbortController();
  #cluster: SyncedCluster | undefined;

  private constructor(server: S, folder: string) {
    this.server = server;
    this.#folder = folder;
  }

  /** With a node, a namespace, a policy and three pods. */
  static async start<S extends TestServer>(server: S): Promise<Followed<S>> {
    const followed = new Followed(server, await mkdtemp(join(tmpdir(), 'podwall-api-')));
    await writeFile(followed.config, server.kubeconfig);
    await server.put(...[node('n1'), namespace('x'), policy('deny.x', { podSelector: {} })].map(object));
    for (const index of [1, 2, 3]) await server.put(podNumbered(index));
    return followed;
  }

  get config(): string {
    return join(this.#folder, 'config');
  }

  get cluster(): SyncedCluster {
    if (this.#cluster === undefined) throw new Error('not synced');
    return this.#cluster;
  }

  get changes() {
    return this.heard.flatMap(({ changes }) => changes);
  }

  source(options: ApiServerOptions = {}): ApiServerSource {
    return new ApiServerSource({
      kubeconfig: this.config,
      times,
      onError: (message) => void this.errors.push(message),
      ...options,
    });
  }

  async sync(options: ApiServerOptions = {}): Promise<SyncedCluster> {
    this.#cluster = await this.source(options).sync(this.#ending.signal);
    this.#cluster.onChange((change) => void this.heard.push(change));
    return this.#cluster;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#cluster?.[Symbol.dispose]();
    await this.server[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true });
  }
}

/** `start` makes a server for one test. */
export function followsApiServer(title: string, start: () => Promise<TestServer>): void {
  describe(title, () => {
    let followed: Followed<TestServer>;
    let server: TestServer;

    beforeEach(async () => {
      server = await start();
      followed = await Followed.start(server);
    }, 60_000);
    afterEach(() => followed[Symbol.asyncDispose](), 30_000);

    test('everything is there before there is a snapshot, by one streamed list', async () => {
      const many = Array.from({ length: 1200 }, (_, index) => podNumbered(index + 1));
      await server.put(...many);
      const snapshot = (await followed.sync()).snapshot();
      expect([snapshot.pods.length, snapshot.nodes.length]).toEqual([1200, 1]);
      expect(snapshot.namespaces.map(({ name }) => name)).toContain('x');
      expect(snapshot.policies.map(({ ref }) => ref.name)).toEqual(['deny']);
      expect(server.requests.filter((path) => !path.includes('sendInitialEvents=true'))).toEqual([]);
      await server.put(podNumbered(2000));
      await until(() => podNames(followed.cluster).includes('p2000'));
    }, 60_000);

    test('changes are announced as they come, and nothing that we do not read', async () => {
      await followed.sync();
      const [first, second] = [podNumbered(1), podNumbered(2)];
      await server.put({ ...first, metadata: { ...first.metadata, labels: { app: 'db' } } });
      await server.put({ ...second, metadata: { ...second.metadata, annotations: { touched: 'yes' } } });
      await server.delete(podNumbered(3));
      await until(() => podNames(followed.cluster).join() === 'p1,p2');
      expect(followed.changes[0]).toMatchObject({ kind: 'pod', pod: { labels: { app: 'db' } } });
      // A real server may report a pod's end twice: that it is to go, and that it is gone.
      const others = followed.changes.slice(1).map((change) => 'ref' in change && change.ref.name);
      expect(new Set(others)).toEqual(new Set(['p3']));
    });

    test('the cluster is known by the uid of its namespace kube-system', async () => {
      await server.put(object(namespace('kube-system')));
      const known = (await followed.sync()).uid?.();
      expect(known).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    });

    test('the agent of a node watches its own Node, and lists the others again when an address is not found', async () => {
      await server.put(object(node('n2')), object(namespace('kube-system')));
      const cluster = await followed.sync({ node: 'n1', pollTimes: { every: 600_000, soonest: 100 } });
      const addressesOf = (name: string): readonly string[] =>
        cluster.snapshot().nodes.find((one) => one.name === name)?.addresses ?? [];
      expect(addressesOf('n1')).toEqual(nodeAddresses('n1'));
      expect(addressesOf('n2')).toEqual(nodeAddresses('n2'));
      const asked = server.requests.filter((path) => path.startsWith('/api/v1/nodes?')).map(decodeURIComponent);
      expect(asked.filter((path) => path.includes('watch=1')).length).toBeGreaterThan(0);
      for (const path of asked)
        expect(path).toContain(path.includes('watch=1') ? 'fieldSelector=metadata.name=n1' : 'metadata.name!=n1');
      const moved = (name: 'n1' | 'n2', address: string): ApiObject =>
        object({ ...node(name), status: { addresses: [{ type: 'InternalIP', address }] } });
      // The Node that is not watched changes first: it is not known when the other's change is.
      await server.put(moved('n2', '172.30.9.2'));
      await server.put(moved('n1', '172.30.9.1'));
      await until(() => addressesOf('n1').join() === '172.30.9.1');
      expect(addressesOf('n2')).toEqual(nodeAddresses('n2'));
      cluster.addressNotFound?.();
      await until(() => addressesOf('n2').join() === '172.30.9.2');
      await server.delete(object(node('n2')));
      cluster.addressNotFound?.();
      await until(() => addressesOf('n2').length === 0);
      expect(followed.changes).toMatchObject([
        { kind: 'node', name: 'n1' },
        { kind: 'node', name: 'n2', node: { labels: {} } },
        { kind: 'node', name: 'n2' },
      ]);
    });

    test('a node that is registered anew is another one, and in between there is none to report for', async () => {
      using own = new OwnNode(await followed.sync(), 'n1');
      const { uid } = own.identity();
      expect(followed.cluster.snapshot().nodes[0]?.uid).toBe(uid);
      await server.delete(object(node('n1')));
      await until(() => followed.cluster.snapshot().nodes.length === 0);
      expect(() => own.identity()).toThrow('there is no Node n1 in the cluster');
      await server.put(object(node('n1')));
      await until(() => followed.cluster.snapshot().nodes.length === 1);
      expect(own.identity().uid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(own.identity().uid).not.toBe(uid);
    });

    test('a cut watch resumes where it was, without a list', async () => {
      await followed.sync();
      const before = server.requests.length;
      server.cutWatches();
      await server.put(podNumbered(4));
      await until(() => podNames(followed.cluster).includes('p4'));
      expect(server.requests.slice(before).every((path) => path.includes('resourceVersion='))).toBe(true);
      expect(server.requests.slice(before).some((path) => path.includes('sendInitialEvents'))).toBe(false);
    });

    test('410: what vanished meanwhile is found by a new list', async () => {
      const cluster = await followed.sync();
      await server.stop();
      await server.delete(podNumbered(1));
      await server.put(podNumbered(5));
      await server.compact();
      await until(() => cluster.staleSince() !== undefined);
      expect(cluster.problems()[0]?.diagnostic.message).toContain('last known state stays in force');
      expect(podNames(cluster)).toEqual(['p1', 'p2', 'p3']);
      const before = server.requests.length;
      await server.listen();
      await until(() => podNames(cluster).join() === 'p2,p3,p5');
      await until(() => cluster.staleSince() === undefined);
      expect(cluster.problems()).toEqual([]);
      expect(followed.changes).toMatchObject([
        { kind: 'pod', pod: { ref: { name: 'p5' } } },
        { kind: 'pod', ref: { name: 'p1' } },
      ]);
      expect(server.requests.slice(before).some((path) => path.includes('sendInitialEvents'))).toBe(true);
    }, 60_000);

    test.each([
      ['broken JSON', '{"type":"ADDED","object":{"kind"\n'],
      ['a line that is no event', '"surprise"\n'],
      ['half a line and the end', '{"type":"ADDED"'],
    ])('%s in a watch loses nothing', async (_, text) => {
      await followed.sync();
      await until(() => server.watching === 4);
      server.writeRaw(text);
      if (!text.endsWith('\n')) server.cutWatches();
      await server.put(podNumbered(6));
      await until(() => podNames(followed.cluster).includes('p6'));
      expect(podNames(followed.cluster)).toHaveLength(4);
    });

    test('a forbidden kind: no snapshot, and an error that names verb and resource; granted later, it goes on', async () => {
      await server.forbid('NetworkPolicy');
      const waiting = followed.sync();
      await until(() => followed.errors.length > 0);
      expect(followed.errors[0]).toContain(
        'list and watch of networkpolicies in networking.k8s.io are forbidden (RBAC)',
      );
      await server.permit('NetworkPolicy');
      expect((await waiting).snapshot().policies).toHaveLength(1);
    });
  });
}
