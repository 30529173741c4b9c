/** A real API server behind a proxy on our own loopback, so that a source in the test's process follows it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Resources } from '../../src/node/resources.js';
import type { Manifest } from '../cases/types.js';
import { agentRights } from '../support/agent-rights.js';
import { ApiProxy } from '../support/api-proxy.js';
import type { ApiObject } from '../support/fake-api-server.js';
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
  readonly #resources: Resources;

  private constructor(kube: KubeApiServer, proxy: ApiProxy, resources: Resources) {
    this.kube = kube;
    this.proxy = proxy;
    this.#resources = resources;
  }

  static async start(flags: readonly string[] = []): Promise<RealApiServer> {
    const resources = new Resources();
    const lab = resources.use(await Lab.create([]));
    const folder = join(lab.folder, 'apiserver');
    await mkdir(folder);
    const place = { netns: lab.netns('outside'), address: '172.30.0.100', folder, flags };
    const kube = resources.use(await KubeApiServer.start(place));
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
    const left = objects.values();
    const write = async (): Promise<void> => {
      for (const object of left) await this.kube.admin.apply(object as unknown as Manifest);
    };
    // The first objects of a kind before what lives in them.
    await Promise.all(Array.from({ length: objects.length > writers ? writers : 1 }, write));
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
