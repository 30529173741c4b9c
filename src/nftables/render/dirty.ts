/** What may differ between the desired and the applied ruleset, by name; the plan looks up what to do about it. */
export interface Dirty {
  readonly chains: ReadonlySet<string>;
  readonly counters: ReadonlySet<string>;
  /** Sets that came, went, or must be compared whole. */
  readonly sets: ReadonlySet<string>;
  /** By set: keys of elements. */
  readonly elements: ReadonlyMap<string, ReadonlySet<string>>;
  /** Objects of kinds that we never write. */
  readonly others: ReadonlySet<string>;
}

export class DirtyCollector implements Dirty {
  static merged(...parts: readonly Dirty[]): DirtyCollector {
    const merged = new DirtyCollector();
    for (const part of parts) merged.add(part);
    return merged;
  }

  readonly chains = new Set<string>();
  readonly counters = new Set<string>();
  readonly sets = new Set<string>();
  readonly elements = new Map<string, Set<string>>();
  readonly others = new Set<string>();

  element(set: string, key: string): void {
    const keys = this.elements.get(set);
    if (keys === undefined) this.elements.set(set, new Set([key]));
    else keys.add(key);
  }

  add(other: Dirty): void {
    for (const name of other.chains) this.chains.add(name);
    for (const name of other.counters) this.counters.add(name);
    for (const name of other.sets) this.sets.add(name);
    for (const name of other.others) this.others.add(name);
    for (const [set, keys] of other.elements) for (const key of keys) this.element(set, key);
  }

  remove(other: Dirty): void {
    for (const name of other.chains) this.chains.delete(name);
    for (const name of other.counters) this.counters.delete(name);
    for (const name of other.sets) this.sets.delete(name);
    for (const name of other.others) this.others.delete(name);
    for (const [set, keys] of other.elements) {
      const own = this.elements.get(set);
      if (own === undefined) continue;
      for (const key of keys) own.delete(key);
      if (own.size === 0) this.elements.delete(set);
    }
  }
}

export const noneDirty = (): Dirty => new DirtyCollector();

export const isDirty = (dirty: Dirty): boolean =>
  dirty.chains.size + dirty.counters.size + dirty.sets.size + dirty.elements.size + dirty.others.size > 0;
