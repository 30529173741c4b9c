import { changeKey, deletionOf, type ClusterChange } from '../../model/cluster.js';
import { boundedDiagnostics } from '../../model/diagnostic.js';
import type { SourceProblem } from '../types.js';
import type { ApiKind, ReadObject } from './api-kinds.js';

/** The objects of one kind as they were last seen, and what is wrong with them. */
export class FollowedObjects {
  readonly #kind: Pick<ApiKind, 'kind'>;
  readonly #onIgnored: (message: string) => void;
  readonly #objects = new Map<string, ClusterChange>();
  readonly #problems = new Map<string, readonly SourceProblem[]>();
  #problemsChanged = false;

  /** @param onIgnored an object has no usable name */
  constructor(kind: Pick<ApiKind, 'kind'>, onIgnored: (message: string) => void) {
    this.#kind = kind;
    this.#onIgnored = onIgnored;
  }

  all(): Iterable<ClusterChange> {
    return this.#objects.values();
  }

  get(key: string): ClusterChange | undefined {
    return this.#objects.get(key);
  }

  problems(): readonly SourceProblem[] {
    return [...this.#problems.values()].flat();
  }

  /** Whether `problems` has changed since this was last asked. */
  haveProblemsChanged(): boolean {
    const changed = this.#problemsChanged;
    this.#problemsChanged = false;
    return changed;
  }

  /** What the list does not have is gone, however it went. */
  replace(listed: readonly ReadObject[]): ClusterChange[] {
    const vanished = new Map(this.#objects);
    const changes = listed.flatMap((object) => {
      if (object.change !== undefined) vanished.delete(changeKey(object.change));
      return this.update(object);
    });
    for (const [key, change] of vanished) {
      this.#forget(key);
      changes.push(deletionOf(change));
    }
    return changes;
  }

  /** @returns the change, unless nothing that we read has changed. */
  update({ change, diagnostics }: ReadObject): ClusterChange[] {
    if (change === undefined) return this.#ignore(diagnostics);
    const key = changeKey(change);
    this.#diagnose(key, change, diagnostics);
    const previous = this.#objects.get(key);
    if (previous !== undefined && JSON.stringify(previous) === JSON.stringify(change)) return [];
    this.#objects.set(key, change);
    return [change];
  }

  remove({ change, diagnostics }: ReadObject): ClusterChange[] {
    if (change === undefined) return this.#ignore(diagnostics);
    this.#forget(changeKey(change));
    return [deletionOf(change)];
  }

  #ignore(diagnostics: ReadObject['diagnostics']): ClusterChange[] {
    for (const { message } of diagnostics) this.#onIgnored(`an object is ignored: ${message}`);
    return [];
  }

  #forget(key: string): void {
    this.#objects.delete(key);
    if (this.#problems.delete(key)) this.#problemsChanged = true;
  }

  #diagnose(key: string, change: ClusterChange, diagnostics: ReadObject['diagnostics']): void {
    if (diagnostics.length === 0 && !this.#problems.has(key)) return;
    const { kind } = this.#kind;
    const uid = uidOf(change);
    const object = {
      ...('ref' in change ? change.ref : { name: change.name }),
      kind,
      ...(uid === undefined ? {} : { uid }),
    };
    const problems = boundedDiagnostics(diagnostics).map((diagnostic) => ({ object, diagnostic }));
    if (problems.length === 0) this.#problems.delete(key);
    else this.#problems.set(key, problems);
    this.#problemsChanged = true;
  }
}

function uidOf(change: ClusterChange): string | undefined {
  if (change.kind === 'policy') return change.policy?.uid;
  return change.kind === 'namespace' ? change.namespace?.uid : undefined;
}
