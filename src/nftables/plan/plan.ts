/**
 * From what the kernel holds to what it should hold, in three phases:
 *
 *   build   counters, sets and chains that nothing refers to yet; in pieces when there is much
 *   switch  one transaction: elements, map elements, rewritten chains, and when it may narrow a new verdict cache or
 *           exceptions in the one that is in use
 *   sweep   what nothing refers to any more, old caches, one more new cache when an interval set was narrowed, and
 *           the cache that the next narrowing will move to
 *
 * Built first, because in one transaction a packet may read the new element and meet a chain that is still empty.
 */
import type { Effect } from '../../program/types.js';
import { overwrite, type MutableRuleset } from '../language/mutable-ruleset.js';
import { Batch, weightOfObject, weightOfRule, weightOfTitled, type Step } from './batch.js';
import { CacheSwaps } from './cache-swaps.js';
import { CommandList, piecesOf } from '../language/command-list.js';
import { isEmpty } from '../language/compare.js';
import { cacheLookup } from '../render/cache.js';
import type { Dirty } from '../render/dirty.js';
import type { Transaction } from '../language/command.js';
import type { Chain, Ruleset } from '../language/types.js';
import { differenceOf, mayNarrow, type Difference } from './difference.js';
import { narrowedAddresses } from './narrowed-addresses.js';

export type { Step } from './batch.js';

export interface Plan {
  readonly build: readonly Step[];
  readonly switch?: Step;
  readonly sweep: readonly Step[];
  /** The whole table goes, and what its counters counted with it. */
  readonly replaces?: true;
}

interface PlanInput {
  readonly desired: Ruleset;
  readonly applied: MutableRuleset;
  readonly dirty: Dirty;
  readonly effect: Effect;
  /**
   * What a narrowing change does to the verdict cache: it empties it by default; `concerned`: it is made to forget the
   * addresses that the change concerns, where those are known; `renewed`: it is emptied whatever the effect is.
   */
  readonly cache?: 'emptied' | 'concerned' | 'renewed';
}

/** One transaction that leaves exactly `desired`, whatever was there. */
export function planReplacement(desired: Ruleset, exists: boolean): Transaction {
  const commands = new CommandList(desired);
  commands.addTable(desired.title);
  if (exists) {
    commands.deleteTable();
    commands.addTable(desired.title);
  }
  for (const counter of desired.counters) commands.addCounter(counter);
  for (const chain of desired.chains.values()) commands.addChain(chain);
  for (const set of desired.sets.values()) commands.addSet(set);
  for (const chain of desired.chains.values()) commands.addRules(chain.name, chain.rules);
  for (const set of desired.sets.values()) commands.addElements(set, [...set.elements]);
  return commands.transaction('narrows');
}

/** The steps that bring everything in `dirty` to its desired state. Empty phases are left out. */
export function planChange({ desired, applied, dirty, effect, cache: fate = 'emptied' }: PlanInput): Plan {
  const difference = differenceOf(desired, applied, dirty);
  if (difference.needsReplacement) return replacementPlan(desired, applied);
  const narrows = effect === 'narrows' || fate === 'renewed' || mayNarrow(difference);
  // Without its base chain nothing of ours is on the way of a packet: all can be built, and the hook comes last.
  const live = applied.chains.has('forward');
  const cache = new CacheSwaps(desired, applied);
  const swaps = narrows && desired.chains.has(cacheLookup);

  const build = new Batch(desired, 'none');
  if (isEmpty(applied)) build.commands.addTable(desired.title);
  planBuild(build, difference, applied);
  cache.preparePointers(build);
  planRules(
    build,
    difference.newChains.filter((chain) => chain.hook === undefined),
    applied,
  );
  if (!live && difference.cacheDamaged) cache.swap(build);
  planNewElements(build, difference, applied);

  const switched = new Batch(desired, narrows ? 'narrows' : effect, Infinity);
  const narrowed = fate === 'concerned' ? narrowedAddresses(difference) : undefined;
  if (live && swaps && (narrowed === undefined || !cache.except(switched, narrowed))) cache.swap(switched);
  planSwitch(switched, difference, applied);

  const narrowedInterval = live && swaps && difference.elements.some(({ set }) => set.interval);
  const sweep = new Batch(desired, narrowedInterval ? 'narrows' : 'none', Infinity);
  if (narrowedInterval) cache.swap(sweep);
  planSweep(sweep, difference, applied, cache);

  const [switchStep] = switched.steps();
  return { build: build.steps(), ...(switchStep === undefined ? {} : { switch: switchStep }), sweep: sweep.steps() };
}

function replacementPlan(desired: Ruleset, applied: MutableRuleset): Plan {
  const transaction = planReplacement(desired, true);
  return { build: [], switch: { transaction, record: () => overwrite(applied, desired) }, sweep: [], replaces: true };
}

/** Everything without its content: sets without elements, chains without rules. */
function planBuild(batch: Batch, difference: Difference, applied: MutableRuleset): void {
  for (const name of difference.newCounters) {
    batch.commands.addCounter(name);
    batch.done(weightOfObject, () => applied.counters.add(name));
  }
  for (const set of difference.newSets) {
    batch.commands.addSet(set);
    batch.done(weightOfObject, () => applied.sets.set(set.name, { ...set, elements: new Map() }));
  }
  for (const chain of difference.newChains) {
    if (chain.hook !== undefined) continue;
    batch.commands.addChain(chain);
    const weight = chain.title === undefined ? weightOfObject : weightOfTitled;
    batch.done(weight, () => applied.chains.set(chain.name, { ...chain, rules: [] }));
  }
}

function planRules(batch: Batch, chains: readonly Chain[], applied: MutableRuleset): void {
  for (const chain of chains) {
    batch.commands.addRules(chain.name, chain.rules);
    batch.done(weightOfRule * chain.rules.length, () => applied.chains.set(chain.name, chain));
  }
}

function planNewElements(batch: Batch, difference: Difference, applied: MutableRuleset): void {
  for (const set of difference.newSets)
    for (const piece of piecesOf([...set.elements])) {
      batch.commands.addElements(set, piece);
      batch.done(piece.length, () => addTo(applied, set.name, piece));
    }
}

function planSwitch(batch: Batch, difference: Difference, applied: MutableRuleset): void {
  // Deletions first: an element of a map is re-pointed by both, and an interval must not meet its old self.
  for (const { set, removed } of difference.elements) {
    batch.commands.deleteElements(set, removed);
    batch.done(removed.length, () => removed.forEach((key) => applied.sets.get(set.name)?.elements.delete(key)));
  }
  for (const { set, added } of difference.elements) {
    batch.commands.addElements(set, added);
    batch.done(added.length, () => addTo(applied, set.name, added));
  }
  const bases = difference.newChains.filter((chain) => chain.hook !== undefined);
  for (const chain of difference.changedChains) batch.commands.flushChain(chain.name);
  for (const chain of bases) batch.commands.addChain(chain);
  planRules(batch, [...difference.changedChains, ...bases], applied);
}

function planSweep(batch: Batch, difference: Difference, applied: MutableRuleset, cache: CacheSwaps): void {
  const unused = cache.unused();
  const chains = [...difference.oldChains, ...unused.flatMap((generation) => generation.chains)];
  for (const name of chains) batch.commands.flushChain(name);
  for (const set of [...difference.oldSets, ...unused.flatMap((generation) => generation.sets)]) {
    batch.commands.deleteSet(set);
    batch.done(1, () => applied.sets.delete(set.name));
  }
  for (const name of chains) {
    batch.commands.deleteChain(name);
    batch.done(1, () => applied.chains.delete(name));
  }
  for (const name of difference.oldCounters) {
    batch.commands.deleteCounter(name);
    batch.done(1, () => applied.counters.delete(name));
  }
  cache.prepareStandby(batch);
}

function addTo(applied: MutableRuleset, set: string, elements: readonly (readonly [string, string])[]): void {
  const target = applied.sets.get(set);
  for (const [key, value] of elements) target?.elements.set(key, value);
}
