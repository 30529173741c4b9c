/** A real API server behind a proxy on our own loopback, so that a source in the test's process follows it. */
import { Disposables } from '../../src/node/disposables.js';
import type { Manifest } from '../cases/types.js';
import { agentRights } from '../support/agent-rights.js';
import { ApiProxy } from '../support/api-proxy.js';
import type { ApiObject } from '../support/fake-api-server.js';
import { inParallel } from '../support/in-parallel.js';
import { KubeApiServer } from '../support/kube-api-server.js';
import { kubeconfigOf } from '../support/kubeconfig.js';
import { Lab } from '../support/lab/lab.js';
import type { TestServer } from './api-server-suite.js';

/** So many writes go on at once. */
const writers = 8;
const agent = { kind: 'User', name: 'agent' } as const;

export class RealApiServer implements TestServer {
  readonly kube: KubeApiServer;
  readonly proxy: ApiProxy;
  readonly #resources: Disposables;

  private constructor(kube: KubeApiServer, proxy: ApiProxy, resources: Disposables) {
    this.kube = kube;
    this.proxy = proxy;
    this.#resources = resources;
  }

  static async start(flags: readonly string[] = []): Promise<RealApiServer> {
    const resources = new Disposables();
    const lab = resources.use(await Lab.create([]));
    const kube = resources.use(await KubeApiServer.start(lab, { flags }));
    const proxy = resources.use(await ApiProxy.start({ agent: kube.admin.agent }));
    for (const right of agentRights(agent)) await kube.admin.create(right);
    return new RealApiServer(kube, proxy, resources);
  }

  get url(): string {
    return `http://127.0.0.1:${this.proxy.port}`;
  }

  get kubeconfig(): string {
    return kubeconfigOf({ server: this.url, user: { token: this.kube.tokenOf('agent') } });
  }

  get requests(): readonly string[] {
    return this.proxy.requests;
  }

  get watching(): number {
    return this.proxy.watching;
  }

  async put(...objects: readonly ApiObject[]): Promise<void> {
    // Few of them stand in each other: one after another.
    const workers = objects.length > writers ? writers : 1;
    await inParallel(objects, workers, (object) => this.kube.admin.apply(object as unknown as Manifest));
  }

  async events(namespace: string): Promise<readonly ApiObject[]> {
    const { items } = (await this.kube.admin.call('GET', `/api/v1/namespaces/${namespace}/events`)) as {
      readonly items: readonly ApiObject[];
    };
    return items;
  }

  async delete(object: ApiObject): Promise<void> {
    await this.kube.admin.delete(object);
  }

  stop(): void {
    this.proxy.closed = true;
    this.proxy.cut();
  }

  listen(): void {
    this.proxy.closed = false;
  }

  /** Started anew, since a running one remembers events that its etcd has forgotten. */
  async compact(): Promise<void> {
    await this.kube.stopServer();
    await this.kube.compact();
    await this.kube.startServer();
  }

  cutWatches(): void {
    this.proxy.cut();
  }

  writeRaw(text: string): void {
    this.proxy.inject(text);
  }

  async forbid(kind: string): Promise<void> {
    for (const right of agentRights(agent, kind)) await this.kube.admin.apply(right);
  }

  async permit(): Promise<void> {
    for (const right of agentRights(agent)) await this.kube.admin.apply(right);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources[Symbol.asyncDispose]();
  }
}
