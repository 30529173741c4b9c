import type { MutableRuleset } from '../language/mutable-ruleset.js';
import { cacheIsIntact, cacheLookup, isCacheChain, isCacheSet } from '../render/cache.js';
import { sameHook, sameKind, sameRules } from '../language/compare.js';
import type { Dirty } from '../render/dirty.js';
import type { Chain, NftSet, Ruleset } from '../language/types.js';

interface ElementDifference {
  readonly set: NftSet;
  readonly added: readonly (readonly [string, string])[];
  readonly removed: readonly string[];
}

/** What must be done to reach the desired ruleset, before it is put in phases. */
export interface Difference {
  readonly newCounters: string[];
  readonly oldCounters: string[];
  readonly newSets: NftSet[];
  readonly oldSets: NftSet[];
  readonly newChains: Chain[];
  readonly changedChains: Chain[];
  readonly oldChains: string[];
  readonly elements: ElementDifference[];
  /** The verdict cache's chains or sets are missing or not as they should be. */
  readonly cacheDamaged: boolean;
  /** An object has a form that cannot be changed in place. */
  needsReplacement: boolean;
}

function addChains(difference: Difference, desired: Ruleset, applied: Ruleset, dirty: Dirty): void {
  for (const name of dirty.chains) {
    if (isCacheChain(name)) continue;
    const to = desired.chains.get(name);
    const from = applied.chains.get(name);
    if (to === undefined) {
      if (from !== undefined) difference.oldChains.push(name);
    } else if (from === undefined) difference.newChains.push(to);
    else if (!sameHook(to.hook, from.hook)) difference.needsReplacement = true;
    else if (!sameRules(to.rules, from.rules)) difference.changedChains.push(to);
  }
}

function elementDifference(to: NftSet, from: NftSet, keys: Iterable<string>): ElementDifference {
  const added: [string, string][] = [];
  const removed: string[] = [];
  for (const key of keys) {
    const value = to.elements.get(key);
    const old = from.elements.get(key);
    if (value === old) continue;
    if (old !== undefined) removed.push(key);
    if (value !== undefined) added.push([key, value]);
  }
  return { set: to, added, removed };
}

function addSets(difference: Difference, desired: Ruleset, applied: Ruleset, dirty: Dirty): void {
  for (const name of new Set([...dirty.sets, ...dirty.elements.keys()])) {
    if (isCacheSet(name)) continue;
    const to = desired.sets.get(name);
    const from = applied.sets.get(name);
    if (to === undefined) {
      if (from !== undefined) difference.oldSets.push(from);
    } else if (from === undefined) difference.newSets.push(to);
    else if (!sameKind(to, from)) difference.needsReplacement = true;
    else if (to.dynamic === undefined) {
      const everything = [...to.elements.keys(), ...from.elements.keys()];
      const keys = dirty.sets.has(name) ? new Set(everything) : (dirty.elements.get(name) ?? []);
      const elements = elementDifference(to, from, keys);
      if (elements.added.length + elements.removed.length > 0) difference.elements.push(elements);
    }
  }
}

export function differenceOf(desired: Ruleset, applied: MutableRuleset, dirty: Dirty): Difference {
  const difference: Difference = {
    newCounters: [],
    oldCounters: [],
    newSets: [],
    oldSets: [],
    newChains: [],
    changedChains: [],
    oldChains: [],
    elements: [],
    cacheDamaged: desired.chains.has(cacheLookup) && !cacheIsIntact(applied),
    needsReplacement: false,
  };
  for (const name of dirty.counters) {
    const to = desired.counters.has(name);
    if (to === applied.counters.has(name)) continue;
    (to ? difference.newCounters : difference.oldCounters).push(name);
  }
  addSets(difference, desired, applied, dirty);
  addChains(difference, desired, applied, dirty);
  return difference;
}

/** Whether the difference itself can take an allow away, whatever the change was called. */
export const mayNarrow = (difference: Difference): boolean =>
  difference.cacheDamaged ||
  difference.changedChains.length > 0 ||
  difference.elements.some(({ set, added, removed }) => set.verdicts && added.length > 0 && removed.length > 0);
