import type { NftSet, Ruleset } from '../language/types.js';

interface SetInBuild {
  /** Live: what other turns bring into force meanwhile is in it. */
  readonly elements: ReadonlyMap<string, string>;
  readonly keys: readonly string[];
  /** How many of the keys have been dealt with. */
  next: number;
}

/** Objects that are being made in several transactions, while other turns have theirs: nothing may refer to them yet. */
export class InBuild {
  readonly #sets = new Map<string, SetInBuild>();
  readonly #chains = new Set<string>();

  beginSet({ name, elements }: NftSet): void {
    this.#sets.set(name, { elements, keys: [...elements.keys()], next: 0 });
  }

  hasSet(name: string): boolean {
    return this.#sets.has(name);
  }

  beginChain(name: string): void {
    this.#chains.add(name);
  }

  hasChain(name: string): boolean {
    return this.#chains.has(name);
  }

  /** Undefined when the set is complete. */
  progressOf(name: string): Readonly<SetInBuild> | undefined {
    return this.#sets.get(name);
  }

  /** The set's first `count` keys have been dealt with. It is complete when those are all. */
  elementsAdded(name: string, count: number): void {
    const set = this.#sets.get(name);
    if (set === undefined) return;
    set.next = count;
    if (count >= set.keys.length) this.#sets.delete(name);
  }

  chainCompleted(name: string): void {
    this.#chains.delete(name);
  }

  removed(name: string): void {
    this.#sets.delete(name);
    this.#chains.delete(name);
  }

  /** After the kernel was read: sets are filled again from the start, and chains that are gone are made anew. */
  restart(applied: Pick<Ruleset, 'chains'>): void {
    for (const set of this.#sets.values()) set.next = 0;
    for (const name of this.#chains) if (!applied.chains.has(name)) this.#chains.delete(name);
  }

  clear(): void {
    this.#sets.clear();
    this.#chains.clear();
  }
}
