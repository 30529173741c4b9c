import { copySet, type MutableRuleset } from './applied.js';
import type { Batch } from './batch.js';
import { weightOfObject } from './batch.js';
import { cacheChainNames, cacheChains, cacheSets, generationInUse, isCacheSet, nextGeneration } from './cache.js';
import type { NftSet, Ruleset } from './types.js';

/** Moves the verdict cache to new generations within one plan, and knows which sets are then unused. */
export class CacheSwaps {
  readonly #applied: MutableRuleset;
  readonly #cached: boolean;
  readonly #staleCaches: boolean;
  readonly #left: NftSet[] = [];
  #current: number | undefined;
  #next: number | undefined;

  constructor(wanted: Ruleset, applied: MutableRuleset, staleCaches: boolean) {
    this.#applied = applied;
    this.#cached = wanted.chains.has('cached');
    this.#staleCaches = staleCaches;
  }

  /** The chains must exist before a rule jumps to them; the swap fills them. */
  prepareChains(batch: Batch): void {
    if (!this.#cached) return;
    for (const name of cacheChainNames) {
      if (this.#applied.chains.has(name)) continue;
      batch.commands.addChain({ name, rules: [] });
      batch.done(weightOfObject, () => this.#applied.chains.set(name, { name, rules: [] }));
    }
  }

  /** A new name, not a flush: a flush takes longer the fuller the set is, and stalls other flows. */
  swap(batch: Batch): void {
    if (this.#current !== undefined) this.#left.push(...cacheSets(this.#current));
    const generation = (this.#next ??= nextGeneration(this.#applied));
    const chains = cacheChains(generation);
    const sets = cacheSets(generation);
    for (const set of sets) batch.commands.addSet(set);
    for (const { name } of chains) batch.commands.flushChain(name);
    for (const { name, rules } of chains) batch.commands.addRules(name, rules);
    batch.done(weightOfObject, () => {
      for (const set of sets) this.#applied.sets.set(set.name, copySet(set));
      for (const chain of chains) this.#applied.chains.set(chain.name, chain);
    });
    this.#current = generation;
    this.#next = generation + 1;
  }

  /** Caches that no rule names after the swaps of this plan. */
  unused(): readonly NftSet[] {
    if (this.#current === undefined && !this.#staleCaches) return [];
    const generation = this.#current ?? generationInUse(this.#applied);
    const inUse = new Set(cacheSets(generation ?? 0).map((set) => set.name));
    const known = [...this.#applied.sets.values()].filter((set) => isCacheSet(set.name));
    return [...known, ...this.#left].filter((set) => !inUse.has(set.name));
  }
}
