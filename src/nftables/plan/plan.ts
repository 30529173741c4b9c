/**
 * From what the kernel holds to what it should hold, in three phases:
 *
 *   build   (build.ts) what nothing refers to yet: counters, sets, chains; in pieces when there is much
 *   switch  one transaction: elements, map elements, rewritten chains, and when it may narrow a new verdict cache or
 *           exceptions in the one that is in use
 *   sweep   (sweep.ts) what nothing refers to any more, old caches, one more new cache when an interval set was narrowed,
 *           and the cache that the next narrowing will move to
 *
 * Built first, because in one transaction a packet may read the new element and meet a chain that is still empty.
 */
import { Batch, weightOfRule, type Step } from './batch.js';
import { CacheSwaps } from './cache-swaps.js';
import { CommandList } from '../language/command-list.js';
import { cacheLookup } from '../render/cache.js';
import type { MutableRuleset } from '../language/mutable-ruleset.js';
import type { Transaction } from '../language/command.js';
import type { Chain, Ruleset } from '../language/types.js';
import { differenceOf, mayNarrow, type Difference } from './difference.js';
import { narrowedAddresses } from './narrowed-addresses.js';
import type { PlanInput } from './plan-input.js';

/** One transaction that leaves exactly `desired`, whatever was there: also where nothing was, or nothing is known of it. */
export function planReplacement(desired: Ruleset): Transaction {
  const commands = new CommandList(desired);
  commands.addTable(desired.title);
  commands.deleteTable();
  commands.addTable(desired.title);
  for (const counter of desired.counters) commands.addCounter(counter);
  for (const chain of desired.chains.values()) commands.addChain(chain);
  for (const set of desired.sets.values()) commands.addSet(set);
  for (const chain of desired.chains.values()) commands.addRules(chain.name, chain.rules);
  for (const set of desired.sets.values()) commands.addElements(set, [...set.elements]);
  return commands.transaction('narrows');
}

/** Hooks the chains of a table again that has been given flags. Nothing else may be in it: nf_tables refuses that. */
export function planUnflag(table: Ruleset): Transaction {
  const commands = new CommandList(table);
  commands.addTable(table.title);
  return commands.transaction('narrows');
}

/**
 * What a narrowing change does to the verdict cache: it empties it by default; `concerned`: it is made to forget the
 * addresses that the change concerns, where those are known; `renewed`: it is emptied whatever the effect is.
 */
export type CacheFate = 'emptied' | 'concerned' | 'renewed';

interface SwitchPlan {
  /** Undefined when the kernel holds all of it. */
  readonly step: Step | undefined;
  /** An interval set was changed, whose old elements may still be matched for a moment: the cache is swapped once more. */
  readonly swapsAgain: boolean;
}

/** The one transaction that brings a turn's verdicts into force. All that it refers to must have been built. */
export function planSwitch(input: PlanInput, fate: CacheFate = 'emptied'): SwitchPlan {
  const { desired, applied, effect } = input;
  const difference = differenceOf(input);
  const narrows = effect === 'narrows' || fate === 'renewed' || mayNarrow(difference);
  // Without its base chain nothing of ours is on the way of a packet: the hook comes last.
  const live = applied.chains.has('forward');
  const swaps = narrows && desired.chains.has(cacheLookup);
  const cache = new CacheSwaps(desired, applied);
  const switched = new Batch(desired, narrows ? 'narrows' : effect, () => Infinity);
  const narrowed = fate === 'concerned' ? narrowedAddresses(difference) : undefined;
  if (live && swaps && (narrowed === undefined || !cache.except(switched, narrowed))) cache.swap(switched);
  addDifference(switched, difference, applied);
  const [step] = switched.steps();
  return { step, swapsAgain: live && swaps && difference.elements.some(({ set }) => set.interval) };
}

function planRules(batch: Batch, chains: readonly Chain[], applied: MutableRuleset): void {
  for (const chain of chains) {
    batch.commands.addRules(chain.name, chain.rules);
    batch.done(weightOfRule * chain.rules.length, () => applied.chains.set(chain.name, chain));
  }
}

function addDifference(batch: Batch, difference: Difference, applied: MutableRuleset): void {
  // Deletions first: an element of a map is re-pointed by both, and an interval must not meet its old self.
  for (const { set, removed } of difference.elements) {
    batch.commands.deleteElements(set, removed);
    batch.done(removed.length, () => removed.forEach((key) => applied.sets.get(set.name)?.elements.delete(key)));
  }
  for (const { set, added } of difference.elements) {
    batch.commands.addElements(set, added);
    batch.done(added.length, () => addTo(applied, set.name, added));
  }
  const bases = difference.newBaseChains;
  for (const chain of difference.changedChains) batch.commands.flushChain(chain.name);
  for (const chain of bases) batch.commands.addChain(chain);
  planRules(batch, [...difference.changedChains, ...bases], applied);
}

function addTo(applied: MutableRuleset, set: string, elements: readonly (readonly [string, string])[]): void {
  const target = applied.sets.get(set);
  for (const [key, value] of elements) target?.elements.set(key, value);
}
