/** What an agent writes to the fake API server: objects that are made, changed and applied, and Events that expire. */
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import type { ApiObject } from './fake-api-server.js';

/** Objects as a store keeps them. */
export interface WrittenObjects {
  get(key: string): ApiObject | undefined;
  put(object: ApiObject): void;
}

/** An object, or why there is none. */
export type Written = { readonly object: ApiObject } | { readonly code: number; readonly message: string };

export const keyOf = ({ kind, metadata }: Pick<ApiObject, 'kind' | 'metadata'>): string =>
  `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

/**
 * POST makes, PATCH changes or applies: all that is known of an object is what was written last.
 * @param name of a PATCH; undefined for a POST
 */
export async function write(
  request: IncomingMessage,
  { kind, namespace, name }: { readonly kind: string; readonly namespace?: string; readonly name?: string },
  store: WrittenObjects,
): Promise<Written> {
  const body = (await json(request)) as ApiObject;
  const metadata = {
    ...body.metadata,
    name: name ?? body.metadata.name,
    ...(namespace === undefined ? {} : { namespace }),
  };
  const known = store.get(keyOf({ kind, metadata }));
  const isMerge = request.headers['content-type'] === 'application/merge-patch+json';
  if (name === undefined && known !== undefined)
    return { code: 409, message: `${kind} "${metadata.name}" already exists` };
  if (isMerge && known === undefined) return { code: 404, message: `${kind} "${metadata.name}" not found` };
  const object = isMerge
    ? { ...known, ...body, kind, metadata: { ...known?.metadata, ...metadata } }
    : { ...body, metadata };
  store.put(object);
  return { object };
}
