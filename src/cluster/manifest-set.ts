import { impliedNamespace } from '../model/parse.js';
import type { ClusterChange, ClusterSnapshot } from '../model/cluster.js';
import type { FileContent, ManifestObject } from './manifest-file.js';
import type { SourceProblem } from './types.js';

/** The same object in two places: which one is meant cannot be told. */
export interface Duplicate {
  readonly first: ManifestObject;
  readonly second: ManifestObject;
}

/** What all files say together. Pure: a new set is made from the files' contents whenever one of them changes. */
export class ManifestSet {
  readonly #objects = new Map<string, ManifestObject>();
  readonly duplicates: readonly Duplicate[];
  readonly problems: readonly SourceProblem[];

  constructor(files: ReadonlyMap<string, FileContent>) {
    const duplicates: Duplicate[] = [];
    const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, content]) => content);
    for (const { objects } of sorted)
      for (const object of objects) {
        const first = this.#objects.get(object.key);
        if (first === undefined) this.#objects.set(object.key, object);
        else duplicates.push({ first, second: object });
      }
    this.duplicates = duplicates;
    this.problems = sorted.flatMap(({ problems }) => problems);
    this.#implyNamespaces();
  }

  snapshot(): ClusterSnapshot {
    const all = [...this.#objects.values()].map(({ change }) => change);
    return {
      policies: all.flatMap((change) => (change.kind === 'policy' && change.policy ? [change.policy] : [])),
      pods: all.flatMap((change) => (change.kind === 'pod' && change.pod ? [change.pod] : [])),
      namespaces: all.flatMap((change) => (change.kind === 'namespace' && change.namespace ? [change.namespace] : [])),
      nodes: all.flatMap((change) => (change.kind === 'node' && change.node ? [change.node] : [])),
    };
  }

  /** The changes that lead from `before` to this set; an object that only moved to another file is none. */
  changesSince(before: ManifestSet): readonly ClusterChange[] {
    const changes: ClusterChange[] = [];
    for (const [key, { change }] of this.#objects) {
      const former = before.#objects.get(key)?.change;
      if (former !== change && JSON.stringify(former) !== JSON.stringify(change)) changes.push(change);
    }
    for (const [key, { change }] of before.#objects) if (!this.#objects.has(key)) changes.push(deletionOf(change));
    return changes;
  }

  /** A namespace that is only named in metadata.namespace is there all the same. */
  #implyNamespaces(): void {
    for (const { change, file, line } of [...this.#objects.values()]) {
      if (change.kind !== 'pod' && change.kind !== 'policy') continue;
      const name = change.ref.namespace;
      const key = `namespace ${name}`;
      if (this.#objects.has(key)) continue;
      this.#objects.set(key, {
        key,
        file,
        line,
        change: { kind: 'namespace', name, namespace: impliedNamespace(name) },
      });
    }
  }
}

function deletionOf(change: ClusterChange): ClusterChange {
  switch (change.kind) {
    case 'policy':
      return { kind: 'policy', ref: change.ref };
    case 'pod':
      return { kind: 'pod', ref: change.ref };
    case 'namespace':
      return { kind: 'namespace', name: change.name };
    case 'node':
      return { kind: 'node', name: change.name };
  }
}

export const describeDuplicate = ({ first, second }: Duplicate): string =>
  `${second.file}:${second.line}: ${second.key} is also in ${first.file}:${first.line}; which one is meant?`;
