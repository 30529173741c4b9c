import { impliedNamespace } from '../model/parse.js';
import { deletionOf, snapshotOf, type ClusterChange, type ClusterSnapshot } from '../model/cluster.js';
import type { FileContent, ManifestObject } from './manifest-file.js';
import type { SourceProblem } from './types.js';

/** The same object in two places: neither can be preferred. */
interface Duplicate {
  readonly first: ManifestObject;
  readonly second: ManifestObject;
}

/** The objects of all files together. Pure: a new set is made from the files' contents whenever one of them changes. */
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
    return snapshotOf([...this.#objects.values()].map(({ change }) => change));
  }

  /** The changes that lead from `before` to this set; moving an object to another file is no change. */
  changesSince(before: ManifestSet): readonly ClusterChange[] {
    const changes: ClusterChange[] = [];
    for (const [key, { change }] of this.#objects) {
      const previous = before.#objects.get(key)?.change;
      if (previous !== change && JSON.stringify(previous) !== JSON.stringify(change)) changes.push(change);
    }
    for (const [key, { change }] of before.#objects) if (!this.#objects.has(key)) changes.push(deletionOf(change));
    return changes;
  }

  /** A namespace that only appears in metadata.namespace exists all the same. */
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

export const describeDuplicate = ({ first, second }: Duplicate): string =>
  `${second.file}:${second.line}: ${second.key} is also in ${first.file}:${first.line}; remove one of them`;
