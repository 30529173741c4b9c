import { kinds, type ObjectKind } from '../../model/kinds.js';
import { apiPath } from './api-path.js';
import { listPages } from './list-pages.js';
import { ApiError, refusalOf } from './api-errors.js';
import { ApiConnection } from './connection.js';
import type { ConnectionChoice } from './kube-config.js';

const listedKinds = kinds.filter(({ listedForAnalysis: listed }) => listed !== undefined);

/**
 * What a question about a live cluster needs, listed once.
 * @throws InputError when the server cannot be reached, or does not let us read.
 */
export async function listObjects(
  choice: ConnectionChoice,
  signal: AbortSignal,
): Promise<{ readonly objects: readonly object[]; readonly server: string }> {
  const connection = await ApiConnection.open(choice);
  try {
    const objects = await Promise.all(listedKinds.map((kind) => listAll(connection, kind, signal)));
    return { objects: objects.flat(), server: connection.server };
  } catch (error) {
    throw refusalOf(error, connection, signal);
  } finally {
    connection.close();
  }
}

/** @param versions those to ask for, newest first: an older one where the server does not serve the newer one */
async function listAll(
  connection: ApiConnection,
  kind: ObjectKind,
  signal: AbortSignal,
  [apiVersion, ...older]: readonly string[] = kind.apiVersions,
): Promise<readonly object[]> {
  if (apiVersion === undefined) return [];
  const objects: object[] = [];
  try {
    for await (const { items = [] } of listPages(connection, { path: apiPath(apiVersion, kind.resource) }, signal))
      for (const item of items) objects.push(withoutTemplate(kind, { apiVersion, kind: kind.kind, ...item }));
  } catch (error) {
    const status = error instanceof ApiError ? error.status : undefined;
    if (status === 404 && older.length > 0) return listAll(connection, kind, signal, older);
    if (kind.listedForAnalysis === 'optional' && (status === 403 || status === 404)) return [];
    throw error;
  }
  return objects;
}

/** In a live cluster pods are pods: a workload's object says who owns it, and its template makes no further pods. */
const withoutTemplate = ({ template = [] }: ObjectKind, object: object): object =>
  template.length > 0 ? { ...object, spec: {} } : object;
