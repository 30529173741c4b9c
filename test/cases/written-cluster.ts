/** Where the agents of a lab get their cluster from: the test writes it there, whole, and they follow. */
import { isDeepStrictEqual } from 'node:util';
import { agentRights } from '../support/agent-rights.js';
import { KubeApiServer } from '../support/kube-api-server.js';
import type { AgentFlags } from '../support/lab/agent-process.js';
import type { Lab } from '../support/lab/lab.js';
import type { Manifest } from './types.js';

export type WrittenTo = 'directory' | 'api-server';

export interface WrittenCluster extends AsyncDisposable {
  /** What makes an agent read it. */
  readonly flags: AgentFlags;
  /** Resolves when what is there is exactly this. */
  write(objects: readonly Manifest[]): Promise<void>;
}

export async function writtenCluster(to: WrittenTo, lab: Lab): Promise<WrittenCluster> {
  const cluster = to === 'directory' ? new WrittenDirectory(lab) : await WrittenApiServer.start(lab);
  await cluster.write([]);
  return cluster;
}

class WrittenDirectory implements WrittenCluster {
  readonly #lab: Lab;
  readonly #directory: string;

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#directory = `${lab.folder}/manifests`;
  }

  get flags(): AgentFlags {
    return { manifests: this.#directory };
  }

  write(objects: readonly Manifest[]): Promise<void> {
    return this.#lab.writeManifests(this.#directory, { cluster: objects });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Goes with the lab's folder.
  }
}

/** What others live in is written first and removed last. */
const order = ['Node', 'Namespace', 'Pod', 'NetworkPolicy'];
const rank = ({ kind }: Manifest): number => order.indexOf(kind);

class WrittenApiServer implements WrittenCluster {
  readonly flags: AgentFlags;
  readonly #server: KubeApiServer;
  #written = new Map<string, Manifest>();

  private constructor(server: KubeApiServer, kubeconfig: string) {
    this.#server = server;
    this.flags = { kubeconfig };
  }

  static async start(lab: Lab): Promise<WrittenApiServer> {
    const server = await KubeApiServer.start(lab);
    for (const right of agentRights({ kind: 'User', name: 'agent' })) await server.admin.create(right);
    return new WrittenApiServer(server, await server.kubeconfig('agent'));
  }

  async write(objects: readonly Manifest[]): Promise<void> {
    const expected = new Map(objects.map((object) => [keyOf(object), object]));
    const gone = [...this.#written].filter(([key]) => !expected.has(key)).map(([, object]) => object);
    for (const object of gone.sort((a, b) => rank(b) - rank(a))) await this.#server.admin.delete(object);
    const changed = [...expected].filter(([key, object]) => !isDeepStrictEqual(this.#written.get(key), object));
    for (const object of changed.map(([, object]) => object).sort((a, b) => rank(a) - rank(b)))
      await this.#server.admin.apply(object);
    this.#written = expected;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

export const keyOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
