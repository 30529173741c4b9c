/** What may differ between the desired and the applied ruleset, by name; the plan looks up what to do about it. */
export interface Dirty {
  readonly chains: ReadonlySet<string>;
  readonly counters: ReadonlySet<string>;
  /** Sets that came, went, or must be compared whole. */
  readonly sets: ReadonlySet<string>;
  /** By set: keys of elements. */
  readonly elements: ReadonlyMap<string, ReadonlySet<string>>;
}

export class DirtyCollector implements Dirty {
  readonly chains = new Set<string>();
  readonly counters = new Set<string>();
  readonly sets = new Set<string>();
  readonly elements = new Map<string, Set<string>>();

  element(set: string, key: string): void {
    const keys = this.elements.get(set);
    if (keys === undefined) this.elements.set(set, new Set([key]));
    else keys.add(key);
  }
}

export const noneDirty = (): Dirty => new DirtyCollector();

export const isDirty = (dirty: Dirty): boolean =>
  dirty.chains.size + dirty.counters.size + dirty.sets.size + dirty.elements.size > 0;

export function mergeDirty(a: Dirty, b: Dirty): Dirty {
  const merged = new DirtyCollector();
  for (const dirty of [a, b]) {
    for (const name of dirty.chains) merged.chains.add(name);
    for (const name of dirty.counters) merged.counters.add(name);
    for (const name of dirty.sets) merged.sets.add(name);
    for (const [set, keys] of dirty.elements) for (const key of keys) merged.element(set, key);
  }
  return merged;
}
