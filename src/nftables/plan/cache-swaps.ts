import { families, familyOf, type Address } from '../../model/address.js';
import { copySet, type MutableRuleset } from '../language/mutable-ruleset.js';
import { weightOfObject, weightOfRule, type Batch } from './batch.js';
import {
  cacheInUse,
  cacheLookup,
  cacheSets,
  exceptedIn,
  exceptSet,
  firstCache,
  generationChains,
  generationsIn,
  pointerChains,
  standbyGeneration,
  type CacheState,
  type GenerationObjects,
} from '../render/cache.js';
import type { Ruleset } from '../language/types.js';

/** Beyond it a new generation costs less than going on with the old one. */
const mostExcepted = 4096;

/**
 * Moves the verdict cache to new generations within one plan, and knows which are then unused. A plan's records run
 * later, so the state that the plan has reached is kept here, apart from `applied`.
 */
export class CacheSwaps {
  readonly #applied: MutableRuleset;
  readonly #cached: boolean;
  readonly #generations: Map<number, GenerationObjects>;
  #current: CacheState | undefined;
  #standby: number | undefined;

  constructor(desired: Ruleset, applied: MutableRuleset) {
    this.#applied = applied;
    this.#cached = desired.chains.has(cacheLookup);
    this.#generations = new Map(generationsIn(applied));
    this.#current = cacheInUse(applied);
    this.#standby = standbyGeneration(applied, this.#generations);
  }

  /** The fixed chains must exist before a rule jumps to them; the swap fills them. */
  preparePointers(batch: Batch): void {
    if (!this.#cached) return;
    for (const pointer of pointerChains(firstCache)) {
      if (this.#applied.chains.has(pointer.name)) continue;
      batch.commands.addChain(pointer);
      batch.done(weightOfObject, () => this.#applied.chains.set(pointer.name, { ...pointer, rules: [] }));
    }
  }

  /** A new generation, not a flush: a flush takes longer the fuller the set is, and stalls other flows. */
  swap(batch: Batch): void {
    this.#use(batch, { generation: this.#standby ?? this.#make(batch), excepting: false });
    this.#standby = undefined;
  }

  /** @returns false, and adds nothing, where only a swap will do. */
  except(batch: Batch, addresses: Iterable<string>): boolean {
    const current = this.#current;
    if (current === undefined) return false;
    const known = new Set(exceptedIn(this.#applied, current.generation));
    const added = [...addresses].filter((address) => !known.has(address));
    if (known.size + added.length > mostExcepted) return false;
    if (added.length === 0) return true;
    for (const family of families) {
      const name = exceptSet(family, current.generation);
      const ofFamily = added.filter((address) => familyOf(address as Address) === family);
      batch.commands.addElements(
        { name },
        ofFamily.map((address) => [address, '']),
      );
      batch.done(ofFamily.length, () => {
        const { elements } = this.#applied.sets.get(name) ?? {};
        for (const address of ofFamily) elements?.set(address, '');
      });
    }
    if (!current.excepting) this.#use(batch, { ...current, excepting: true });
    return true;
  }

  #use(batch: Batch, state: CacheState): void {
    const pointers = pointerChains(state);
    for (const { name } of pointers) batch.commands.flushChain(name);
    for (const { name, rules } of pointers) batch.commands.addRules(name, rules);
    batch.done(weightOfRule, () => {
      for (const pointer of pointers) this.#applied.chains.set(pointer.name, pointer);
    });
    this.#current = state;
  }

  /** Removes the generations that no packet reaches after the swaps of this plan, but for the one that stands ready. */
  removeUnused(batch: Batch): void {
    for (const [generation, { chains, sets }] of [...this.#generations]) {
      if (generation === this.#current?.generation || generation === this.#standby) continue;
      for (const name of chains) batch.commands.flushChain(name);
      for (const set of sets) batch.commands.deleteSet(set);
      for (const name of chains) batch.commands.deleteChain(name);
      batch.done(weightOfObject, () => {
        for (const { name } of sets) this.#applied.sets.delete(name);
        for (const name of chains) this.#applied.chains.delete(name);
      });
    }
  }

  /** Makes the generation that the next swap will move to, where none stands ready. */
  prepareStandby(batch: Batch): void {
    if (this.#cached && this.#current !== undefined && this.#standby === undefined) this.#standby = this.#make(batch);
  }

  /** Above every generation that the kernel has an object of. */
  #make(batch: Batch): number {
    const generation = Math.max(0, ...this.#generations.keys()) + 1;
    const sets = cacheSets(generation);
    const chains = generationChains(generation);
    for (const set of sets) batch.commands.addSet(set);
    for (const chain of chains) {
      batch.commands.addChain(chain);
      batch.commands.addRules(chain.name, chain.rules);
    }
    batch.done(weightOfObject, () => {
      for (const set of sets) this.#applied.sets.set(set.name, copySet(set));
      for (const chain of chains) this.#applied.chains.set(chain.name, chain);
    });
    this.#generations.set(generation, { sets, chains: chains.map(({ name }) => name) });
    return generation;
  }
}
