import { listPages } from './list-pages.js';
import { ApiError, refusalOf } from './api-errors.js';
import { ApiConnection } from './connection.js';
import type { ConnectionChoice } from './kube-config.js';

interface Listed {
  readonly path: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** Asked where the server has not got the path. */
  readonly older?: Listed;
  /** Without it, a little less is known, and no answer is wrong. */
  readonly optional?: true;
}

const lists: readonly Listed[] = [
  { path: '/api/v1/namespaces', apiVersion: 'v1', kind: 'Namespace' },
  { path: '/api/v1/pods', apiVersion: 'v1', kind: 'Pod' },
  { path: '/apis/networking.k8s.io/v1/networkpolicies', apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
  { path: '/api/v1/nodes', apiVersion: 'v1', kind: 'Node', optional: true },
  { path: '/api/v1/services', apiVersion: 'v1', kind: 'Service', optional: true },
  { path: '/apis/apps/v1/replicasets', apiVersion: 'apps/v1', kind: 'ReplicaSet', optional: true },
  { path: '/apis/batch/v1/jobs', apiVersion: 'batch/v1', kind: 'Job', optional: true },
  // Of Kubernetes 1.33, and of 1.31 before; a rule of lint asks for them.
  { ...serviceCidrs('v1'), older: serviceCidrs('v1beta1') },
];

function serviceCidrs(version: string): Listed {
  const group = `networking.k8s.io/${version}`;
  return { path: `/apis/${group}/servicecidrs`, apiVersion: group, kind: 'ServiceCIDR', optional: true };
}

/**
 * What a question about a live cluster needs, once.
 * @throws InputError when the server cannot be reached, or does not let us read.
 */
export async function listObjects(
  choice: ConnectionChoice,
  signal: AbortSignal,
): Promise<{ readonly objects: readonly object[]; readonly server: string }> {
  const connection = await ApiConnection.open(choice);
  try {
    const objects = await Promise.all(lists.map((one) => listAll(connection, one, signal)));
    return { objects: objects.flat(), server: connection.server };
  } catch (error) {
    throw refusalOf(error, connection, signal);
  } finally {
    connection.close();
  }
}

async function listAll(connection: ApiConnection, listed: Listed, signal: AbortSignal): Promise<readonly object[]> {
  const { path, apiVersion, kind, older, optional } = listed;
  const objects: object[] = [];
  try {
    for await (const { items = [] } of listPages(connection, path, signal))
      for (const item of items) objects.push(templateless(kind, { apiVersion, kind, ...item }));
  } catch (error) {
    const status = error instanceof ApiError ? error.status : undefined;
    if (status === 404 && older !== undefined) return listAll(connection, older, signal);
    if (optional === true && (status === 403 || status === 404)) return [];
    throw error;
  }
  return objects;
}

/** In a live cluster pods are pods: of a controller only its owner is asked, since its template may have none. */
function templateless(kind: string, object: object): object {
  return kind === 'ReplicaSet' || kind === 'Job' ? { ...object, spec: {} } : object;
}
