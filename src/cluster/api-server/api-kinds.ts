/** The kinds that the agent follows, as the API serves them. */
import { groupOf } from '../../model/kind-lookup.js';
import { JsonPruner } from './json-pruner.js';
import type { ClusterChange } from '../../model/cluster.js';
import type { Diagnostic } from '../../model/diagnostic.js';
import { followedKinds, type FollowedKind } from '../../model/kinds.js';
import { otherNodeFields, type FieldTree } from '../../model/parse/field-tree.js';
import { apiPath } from './api-path.js';

/** `change` is absent when the object has no usable name. */
export interface ReadObject {
  readonly change?: ClusterChange;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ApiKind {
  /** Plural, as RBAC names it. */
  readonly name: string;
  readonly kind: string;
  /** Empty for the core group. */
  readonly group: string;
  readonly path: string;
  /** Only these of its objects; absent: all. */
  readonly fieldSelector?: string;
  /** How it is followed; by `lists`: now and then, since nothing waits for its changes. */
  readonly by: 'watch' | 'lists';
  readonly read: (object: unknown) => ReadObject;
  /** A line of a watch, and a page of a list, as far as `read` and the reflector look at them. @throws SyntaxError */
  readonly parseEvent: (line: Buffer) => unknown;
  readonly parsePage: (body: Buffer) => unknown;
}

/** An ERROR event carries a Status, whose own `status` is a word. */
const statusFields = { code: true, message: true } as const satisfies FieldTree;

function prunedTo(fields: FieldTree): (text: Buffer) => unknown {
  const pruner = new JsonPruner(fields);
  return (text) => JSON.parse(pruner.prune(text)) as unknown;
}

function apiKind({ kind, apiVersions, resource, parse, fields }: FollowedKind): ApiKind {
  const [apiVersion] = apiVersions;
  return {
    name: resource,
    kind,
    group: groupOf(apiVersion),
    path: apiPath(apiVersion, resource),
    by: 'watch',
    read: (object) => {
      // The server has pruned what it does not know: an unknown field is a newer API's, and no typo.
      const parsed = parse(object, { strict: false });
      const { diagnostics } = parsed;
      return parsed.ok ? { change: parsed.value, diagnostics } : { diagnostics };
    },
    parseEvent: prunedTo(fields === undefined || { type: true, object: { ...fields, ...statusFields } }),
    parsePage: prunedTo(fields === undefined || { metadata: true, items: fields }),
  };
}

export const apiKinds: readonly ApiKind[] = followedKinds.map(apiKind);

/**
 * What the agent of a node follows: of the Nodes, its own one; the others are thousands, each of which changes every few
 * minutes, and tell whose an address is.
 */
export const apiKindsOf = (node: string): readonly ApiKind[] =>
  followedKinds.flatMap((followed): readonly ApiKind[] =>
    followed.changeKind === 'node'
      ? [
          { ...apiKind(followed), fieldSelector: `metadata.name=${node}` },
          {
            ...apiKind({ ...followed, fields: otherNodeFields }),
            fieldSelector: `metadata.name!=${node}`,
            by: 'lists',
          },
        ]
      : [apiKind(followed)],
  );
