import { copySet, emptyRuleset, type MutableRuleset, type MutableSet } from '../language/mutable-ruleset.js';
import { DirtyCollector, type Dirty } from './dirty.js';
import type { Chain, NftSet } from '../language/types.js';

/** The ruleset under construction: counts who refers to shared objects and remembers what it touched. */
export class DesiredRuleset {
  readonly ruleset: MutableRuleset = emptyRuleset(
    'inet',
    'podwall',
    'Podwall: what policies allow the pods of this node',
  );
  readonly #references = new Map<string, number>();
  #dirty = new DirtyCollector();

  /** Everything touched since the last call. */
  takeDirty(): Dirty {
    const dirty = this.#dirty;
    this.#dirty = new DirtyCollector();
    return dirty;
  }

  addSet(set: NftSet): void {
    this.ruleset.sets.set(set.name, copySet(set));
    this.#dirty.sets.add(set.name);
  }

  /** Makes a set that is there hold just these elements. */
  replaceElements({ name, elements }: NftSet): void {
    for (const key of [...(this.ruleset.sets.get(name)?.elements.keys() ?? [])])
      if (!elements.has(key)) this.setElement(name, key, undefined);
    for (const [key, value] of elements) this.setElement(name, key, value);
  }

  removeSet(name: string): void {
    this.ruleset.sets.delete(name);
    this.#dirty.sets.add(name);
  }

  /** `value` undefined removes the element. */
  setElement(name: string, key: string, value: string | undefined): void {
    const set = this.ruleset.sets.get(name);
    if (set === undefined) throw new Error(`element ${key} for set ${name}, which is not there`);
    if (set.elements.get(key) === value) return;
    if (value === undefined) set.elements.delete(key);
    else set.elements.set(key, value);
    this.#dirty.element(name, key);
  }

  addChain(chain: Chain): void {
    this.ruleset.chains.set(chain.name, chain);
    this.#dirty.chains.add(chain.name);
  }

  removeChain(name: string): void {
    this.ruleset.chains.delete(name);
    this.#dirty.chains.add(name);
  }

  /**
   * Several rule lists may use one port list, several isolations one denial and its counter. The set is named by its
   * content and never changes, so its elements are taken as they are: there may be a hundred thousand.
   */
  retainSet(set: MutableSet): void {
    if (!this.#retain(`set ${set.name}`)) return;
    this.ruleset.sets.set(set.name, set);
    this.#dirty.sets.add(set.name);
  }

  releaseSet(name: string): void {
    if (this.#release(`set ${name}`)) this.removeSet(name);
  }

  retainChain(chain: Chain): void {
    if (this.#retain(`chain ${chain.name}`)) this.addChain(chain);
  }

  releaseChain(name: string): void {
    if (this.#release(`chain ${name}`)) this.removeChain(name);
  }

  retainCounter(name: string): void {
    if (!this.#retain(`counter ${name}`)) return;
    this.ruleset.counters.add(name);
    this.#dirty.counters.add(name);
  }

  releaseCounter(name: string): void {
    if (!this.#release(`counter ${name}`)) return;
    this.ruleset.counters.delete(name);
    this.#dirty.counters.add(name);
  }

  /** @returns whether this is the first reference. */
  #retain(key: string): boolean {
    const count = this.#references.get(key) ?? 0;
    this.#references.set(key, count + 1);
    return count === 0;
  }

  /** @returns whether that was the last reference. */
  #release(key: string): boolean {
    const count = this.#references.get(key) ?? 0;
    if (count === 0) throw new Error(`${key} released more often than retained`);
    if (count > 1) this.#references.set(key, count - 1);
    else this.#references.delete(key);
    return count === 1;
  }
}
