/** Writes to an API server as the admin, and plays the controllers and kubelets that no test cluster has. */
import type { IncomingMessage } from 'node:http';
import { request, type Agent } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Manifest } from '../cases/types.js';
import { agentIn, type SocketPlace } from './lab/sockets.js';

const collections: Readonly<Record<string, string>> = {
  Node: '/api/v1/nodes',
  Namespace: '/api/v1/namespaces',
  Pod: '/api/v1/namespaces/NS/pods',
  NetworkPolicy: '/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies',
  ServiceAccount: '/api/v1/namespaces/NS/serviceaccounts',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
};

export type Named = Pick<Manifest, 'kind'> & {
  readonly metadata: { readonly name: string; readonly namespace?: string };
};

const collectionOf = ({ kind, metadata }: Named): string =>
  (collections[kind] ?? '').replace('NS', metadata.namespace ?? '');
export const pathOf = (object: Named): string => `${collectionOf(object)}/${object.metadata.name}`;

const patchTypes = { merge: 'application/merge-patch+json', apply: 'application/apply-patch+yaml' } as const;

export class KubeClient implements Disposable {
  readonly agent: Agent;
  readonly #token: string;

  constructor(place: SocketPlace, token: string) {
    this.agent = agentIn(place);
    this.#token = token;
  }

  /** Creates an object with the status that controllers and kubelets would write; the server gives uids. */
  async create(manifest: Manifest): Promise<void> {
    await this.call('POST', collectionOf(manifest), withoutServersFields(manifest));
    await this.writeStatus(manifest);
  }

  /** Creates or changes an object: what an earlier manifest had and this one lacks is gone. */
  async apply(manifest: Manifest): Promise<void> {
    const path = `${pathOf(manifest)}?fieldManager=test&force=true`;
    await this.#send('PATCH', path, withoutServersFields({ ...manifest, status: undefined }), patchTypes.apply);
    await this.writeStatus(manifest);
  }

  async delete(object: Named): Promise<void> {
    await this.call('DELETE', pathOf(object), { gracePeriodSeconds: 0 });
    if (object.kind === 'Namespace') await this.call('PUT', `${pathOf(object)}/finalize`, finalized(object));
  }

  /** One request; what the server answers. Rejects with its refusal. PATCH is a merge patch. */
  call(method: string, path: string, body?: object): Promise<unknown> {
    return this.#send(method, path, body, method === 'PATCH' ? patchTypes.merge : 'application/json');
  }

  [Symbol.dispose](): void {
    this.agent.destroy();
  }

  /** What controllers and kubelets would write. */
  async writeStatus(manifest: Manifest): Promise<void> {
    if (manifest.kind !== 'Pod' && manifest.kind !== 'Node') return;
    await this.call('PATCH', `${pathOf(manifest)}/status`, { status: manifest.status });
  }

  async #send(method: string, path: string, body: object | undefined, type: string): Promise<unknown> {
    const content = body === undefined ? '' : JSON.stringify(body);
    // Node gives no length to the body of a DELETE: the server would take it for the next request.
    const headers = {
      authorization: `Bearer ${this.#token}`,
      'content-type': type,
      'content-length': Buffer.byteLength(content),
    };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ agent: this.agent, method, path, headers }, resolve).on('error', reject).end(content);
    });
    const answer = await text(response);
    const object = answer.startsWith('{') ? (JSON.parse(answer) as { message?: string }) : answer;
    if (response.statusCode !== undefined && response.statusCode < 400) return object;
    throw new Error(`${method} ${path}: ${typeof object === 'string' ? answer : (object.message ?? answer)}`);
  }
}

const withoutServersFields = (manifest: Manifest): object => ({
  ...manifest,
  metadata: { ...manifest.metadata, uid: undefined, creationTimestamp: undefined },
});

/** The namespace controller's last word: nothing of it is left. */
const finalized = ({ metadata: { name } }: Named): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name },
  spec: { finalizers: [] },
});
