import { impliedNamespace } from '../model/parse.js';
import { changeKey, deletionOf, snapshotOf, type ClusterChange, type ClusterSnapshot } from '../model/cluster.js';
import type { FileContent, ManifestObject } from './manifest-file.js';
import type { SourceProblem } from './types.js';

/** The same object in two places: neither can be preferred. */
interface Duplicate {
  readonly first: ManifestObject;
  readonly second: ManifestObject;
}

/** Files that are new, changed, or (undefined) gone. */
export type FileEdits = ReadonlyMap<string, FileContent | undefined>;

type Edited = { readonly changes: readonly ClusterChange[] } | { readonly duplicates: readonly Duplicate[] };

/** The objects of all files together. An edit costs what it concerns, whatever the tree holds. */
export class ManifestSet {
  readonly #files = new Map<string, FileContent>();
  readonly #objects = new Map<string, ManifestObject>();
  /** Namespaces that pods and policies name, by how many: each exists, whether an object says so or not. */
  readonly #named = new Map<string, number>();
  readonly #problems = new Map<string, readonly SourceProblem[]>();

  files(): IterableIterator<string> {
    return this.#files.keys();
  }

  has(file: string): boolean {
    return this.#files.has(file);
  }

  problems(): readonly SourceProblem[] {
    return [...this.#problems].sort(byFile).flatMap(([, problems]) => problems);
  }

  snapshot(): ClusterSnapshot {
    const implied = [...this.#named.keys()].map(namespaceKey).filter((key) => !this.#objects.has(key));
    return snapshotOf([
      ...[...this.#objects.values()].map(({ change }) => change),
      ...implied.flatMap((key) => this.#changeOf(key) ?? []),
    ]);
  }

  /**
   * All of them or none: a set in which an object appears twice is refused. An object that moves to another file is no
   * change.
   */
  edit(edits: FileEdits): Edited {
    const sorted = [...edits].sort(byFile);
    const duplicates = this.#duplicatesOf(sorted, edits);
    if (duplicates.length > 0) return { duplicates };
    const removed = sorted.flatMap(([file]) => this.#files.get(file)?.objects ?? []);
    const added = sorted.flatMap(([, content]) => content?.objects ?? []);
    const before = new Map([...added, ...removed].flatMap(keysOf).map((key) => [key, this.#changeOf(key)]));
    for (const object of removed) this.#count(object, -1);
    for (const { key } of removed) this.#objects.delete(key);
    for (const object of added) this.#objects.set(object.key, object);
    for (const object of added) this.#count(object, 1);
    for (const [file, content] of sorted) this.#replaceFile(file, content);
    return { changes: this.#changesSince(before) };
  }

  /** In the order of their files. */
  #duplicatesOf(sorted: readonly (readonly [string, FileContent | undefined])[], edits: FileEdits): Duplicate[] {
    const duplicates: Duplicate[] = [];
    const seen = new Map<string, ManifestObject>();
    for (const object of sorted.flatMap(([, content]) => content?.objects ?? [])) {
      const kept = this.#objects.get(object.key);
      const other = seen.get(object.key) ?? (kept !== undefined && !edits.has(kept.file) ? kept : undefined);
      if (other === undefined) seen.set(object.key, object);
      else
        duplicates.push(
          other.file <= object.file ? { first: other, second: object } : { first: object, second: other },
        );
    }
    return duplicates;
  }

  #changesSince(before: ReadonlyMap<string, ClusterChange | undefined>): readonly ClusterChange[] {
    const changes: ClusterChange[] = [];
    const deletions: ClusterChange[] = [];
    for (const [key, previous] of before) {
      const now = this.#changeOf(key);
      if (now === undefined) {
        if (previous !== undefined) deletions.push(deletionOf(previous));
      } else if (previous !== now && JSON.stringify(previous) !== JSON.stringify(now)) changes.push(now);
    }
    return [...changes, ...deletions];
  }

  /** What an object is, or a namespace that is only named. */
  #changeOf(key: string): ClusterChange | undefined {
    const object = this.#objects.get(key);
    if (object !== undefined) return object.change;
    if (!key.startsWith(namespacePrefix)) return undefined;
    const name = key.slice(namespacePrefix.length);
    return this.#named.has(name) ? { kind: 'namespace', name, namespace: impliedNamespace(name) } : undefined;
  }

  #count({ change }: ManifestObject, by: 1 | -1): void {
    const namespace = namespaceOf(change);
    if (namespace === undefined) return;
    const count = (this.#named.get(namespace) ?? 0) + by;
    if (count === 0) this.#named.delete(namespace);
    else this.#named.set(namespace, count);
  }

  #replaceFile(file: string, content: FileContent | undefined): void {
    if (content === undefined) this.#files.delete(file);
    else this.#files.set(file, content);
    if (content === undefined || content.problems.length === 0) this.#problems.delete(file);
    else this.#problems.set(file, content.problems);
  }
}

const byFile = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

const namespaceKey = (name: string): string => changeKey({ kind: 'namespace', name });
const namespacePrefix = namespaceKey('');

const namespaceOf = (change: ClusterChange): string | undefined =>
  change.kind === 'pod' || change.kind === 'policy' ? change.ref.namespace : undefined;

/** What an object may change: itself, and whether its namespace exists. */
function keysOf({ key, change }: ManifestObject): readonly string[] {
  const namespace = namespaceOf(change);
  return namespace === undefined ? [key] : [key, namespaceKey(namespace)];
}

export const describeDuplicate = ({ first, second }: Duplicate): string =>
  `${second.file}:${second.line}: ${second.key} is also in ${first.file}:${first.line}; remove one of them`;
