/** Where the agent of a bench gets its cluster from: one object is written at a time, as users and controllers do. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keyOf } from '../../cases/written-cluster.js';
import type { Manifest } from '../../cases/types.js';
import { agentRights } from '../../support/agent-rights.js';
import { FakeApiServer, type ApiObject } from '../../support/fake-api-server.js';
import { inParallel } from '../../support/in-parallel.js';
import { KubeApiServer, missingApiServer } from '../../support/kube-api-server.js';
import type { AgentFlags } from '../../support/lab/agent-process.js';
import type { Lab } from '../../support/lab/lab.js';

export type SourceName = 'directory' | 'api-server' | 'fake-api-server';

export interface ClusterSource extends AsyncDisposable {
  /** For a row of a table. */
  readonly title: string;
  /** What makes an agent read it. */
  readonly flags: AgentFlags;
  put(object: Manifest): Promise<void>;
  delete(object: Manifest): Promise<void>;
}

/** The real API server where one is built, the fake one elsewhere. */
export const apiServerHere: SourceName = missingApiServer === undefined ? 'api-server' : 'fake-api-server';

export async function openSource(name: SourceName, lab: Lab): Promise<ClusterSource> {
  if (name === 'directory') return DirectorySource.create(join(lab.folder, 'manifests'));
  return name === 'api-server' ? RealServerSource.start(lab) : FakeServerSource.start(lab);
}

/** So many writes are on their way at once: who waits for packets meanwhile is not kept from them for long. */
const writers = 8;

export const putAll = (source: ClusterSource, objects: readonly Manifest[]): Promise<void> =>
  inParallel(objects, writers, (object) => source.put(object));

export const deleteAll = (source: ClusterSource, objects: readonly Manifest[]): Promise<void> =>
  inParallel(objects, writers, (object) => source.delete(object));

/** A file for each object, replaced by rename. */
export class DirectorySource implements ClusterSource {
  readonly title = 'directory';
  readonly flags: AgentFlags;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.flags = { manifests: folder };
  }

  static async create(folder: string): Promise<DirectorySource> {
    await mkdir(folder, { recursive: true });
    return new DirectorySource(folder);
  }

  async put(object: Manifest): Promise<void> {
    const name = fileNameOf(object);
    const hidden = join(this.#folder, `.${name}`);
    await writeFile(hidden, JSON.stringify(object));
    await rename(hidden, join(this.#folder, `${name}.json`));
  }

  async delete(object: Manifest): Promise<void> {
    await rm(join(this.#folder, `${fileNameOf(object)}.json`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Goes with the lab's folder.
  }
}

const fileNameOf = (object: Manifest): string => keyOf(object).replaceAll(/[ /]/g, '_');

/** In the network namespace of node `n1`. */
class FakeServerSource implements ClusterSource {
  readonly title = 'API server (fake)';
  readonly flags: AgentFlags;
  readonly #server: FakeApiServer;

  private constructor(server: FakeApiServer, kubeconfig: string) {
    this.#server = server;
    this.flags = { kubeconfig };
  }

  static async start(lab: Lab): Promise<FakeServerSource> {
    const server = await FakeApiServer.start(lab.netns('n1'));
    const kubeconfig = join(lab.folder, 'kubeconfig');
    await writeFile(kubeconfig, server.kubeconfig);
    return new FakeServerSource(server, kubeconfig);
  }

  async put(object: Manifest): Promise<void> {
    this.#server.put(object as unknown as ApiObject);
    await turn();
  }

  async delete(object: Manifest): Promise<void> {
    this.#server.delete(object as unknown as ApiObject);
    await turn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
  }
}

/** The fake server and the flows share a thread. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class RealServerSource implements ClusterSource {
  readonly title = 'API server (real)';
  readonly flags: AgentFlags;
  readonly #server: KubeApiServer;

  private constructor(server: KubeApiServer, kubeconfig: string) {
    this.#server = server;
    this.flags = { kubeconfig };
  }

  static async start(lab: Lab): Promise<RealServerSource> {
    const server = await KubeApiServer.start(lab);
    for (const right of agentRights({ kind: 'User', name: 'agent' })) await server.admin.create(right);
    return new RealServerSource(server, await server.kubeconfig('agent'));
  }

  put(object: Manifest): Promise<void> {
    return this.#server.admin.apply(object);
  }

  delete(object: Manifest): Promise<void> {
    return this.#server.admin.delete(object);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
