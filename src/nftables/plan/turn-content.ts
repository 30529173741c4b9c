import type { MutableSet } from '../language/mutable-ruleset.js';
import { copySet } from '../language/mutable-ruleset.js';
import type { Chain, NftSet, Ruleset } from '../language/types.js';
import { DirtyCollector, type Dirty } from '../render/dirty.js';

/**
 * What a turn brings, as it was desired when its changes were compiled: what later ones change comes with their own switches,
 * so that a turn means the same however long it takes. Undefined: not there.
 */
export class TurnContent {
  readonly chains = new Map<string, Chain | undefined>();
  readonly counters = new Map<string, boolean>();
  /** Sets that came, went or are compared whole. */
  readonly sets = new Map<string, MutableSet | undefined>();
  /** Of other sets, by set and key. */
  readonly elements = new Map<string, Map<string, string | undefined>>();
  /** Objects of kinds that we never write: they go. */
  readonly others = new Set<string>();

  static of(dirty: Dirty, desired: Ruleset): TurnContent {
    const content = new TurnContent();
    content.add(dirty, desired);
    return content;
  }

  /** @param contents in the order of their compilation */
  static merged(contents: readonly TurnContent[]): TurnContent {
    const [first = new TurnContent(), ...later] = contents;
    for (const one of later) first.#addLater(one);
    return first;
  }

  add(dirty: Dirty, desired: Ruleset): void {
    for (const name of dirty.counters) this.counters.set(name, desired.counters.has(name));
    for (const name of dirty.others) this.others.add(name);
    for (const name of dirty.chains) this.chains.set(name, desired.chains.get(name));
    for (const name of dirty.sets) {
      const set = desired.sets.get(name);
      this.sets.set(name, set && copySet(set));
      this.elements.delete(name);
    }
    for (const [name, keys] of dirty.elements)
      for (const key of keys) this.#setElement(name, key, desired.sets.get(name)?.elements.get(key));
  }

  removeElement(set: string, key: string): void {
    if (!this.sets.has(set)) this.#setElement(set, key, undefined);
  }

  /** What it brings of these names and elements. */
  part(dirty: Dirty): TurnContent {
    const part = new TurnContent();
    for (const name of dirty.others) if (this.others.has(name)) part.others.add(name);
    for (const name of dirty.counters)
      if (this.counters.has(name)) part.counters.set(name, this.counters.get(name) === true);
    for (const name of dirty.chains) if (this.chains.has(name)) part.chains.set(name, this.chains.get(name));
    for (const name of dirty.sets) if (this.sets.has(name)) part.sets.set(name, this.sets.get(name));
    for (const [name, keys] of dirty.elements) {
      const own = this.elements.get(name);
      for (const key of keys) if (own?.has(key) === true) part.#setElement(name, key, own.get(key));
    }
    return part;
  }

  /** What was compiled later is in force: nothing of before takes its place. */
  follow(later: TurnContent): void {
    for (const [name, isThere] of later.counters) if (this.counters.has(name)) this.counters.set(name, isThere);
    for (const [name, chain] of later.chains) if (this.chains.has(name)) this.chains.set(name, chain);
    for (const [name, set] of later.sets) {
      this.elements.delete(name);
      if (this.sets.has(name)) this.#setWhole(name, set);
    }
    for (const [name, values] of later.elements) {
      const own = this.sets.get(name)?.elements ?? this.elements.get(name);
      if (own === undefined) continue;
      for (const [key, value] of values) if (this.sets.has(name) || own.has(key)) this.#setElement(name, key, value);
    }
  }

  /** Names of objects that are there after it, or of those that are not. */
  names(present: boolean): DirtyCollector {
    const names = new DirtyCollector();
    for (const [name, chain] of this.chains) if ((chain !== undefined) === present) names.chains.add(name);
    for (const [name, set] of this.sets) if ((set !== undefined) === present) names.sets.add(name);
    for (const [name, isThere] of this.counters) if (isThere === present) names.counters.add(name);
    if (!present) for (const name of this.others) names.others.add(name);
    return names;
  }

  /** All that it is about. */
  get dirty(): DirtyCollector {
    const dirty = DirtyCollector.merged(this.names(true), this.names(false));
    for (const [name, values] of this.elements) for (const key of values.keys()) dirty.element(name, key);
    return dirty;
  }

  #addLater(later: TurnContent): void {
    for (const name of later.others) this.others.add(name);
    for (const [name, isThere] of later.counters) this.counters.set(name, isThere);
    for (const [name, chain] of later.chains) this.chains.set(name, chain);
    for (const [name, set] of later.sets) {
      this.elements.delete(name);
      this.sets.set(name, set);
    }
    for (const [name, values] of later.elements) for (const [key, value] of values) this.#setElement(name, key, value);
  }

  /** In its place: a build may be filling the kernel's set from it. */
  #setWhole(name: string, set: NftSet | undefined): void {
    const own = this.sets.get(name);
    if (own === undefined || set === undefined) {
      this.sets.set(name, set && copySet(set));
      return;
    }
    own.elements.clear();
    for (const [key, value] of set.elements) own.elements.set(key, value);
  }

  #setElement(name: string, key: string, value: string | undefined): void {
    const whole = this.sets.get(name)?.elements;
    if (whole !== undefined) {
      if (value === undefined) whole.delete(key);
      else whole.set(key, value);
      return;
    }
    const values = this.elements.get(name);
    if (values === undefined) this.elements.set(name, new Map([[key, value]]));
    else values.set(key, value);
  }
}
