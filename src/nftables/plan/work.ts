import type { MutableRuleset } from '../language/applied.js';
import { cacheIsIntact, isCacheChain, isCacheSet } from '../render/cache.js';
import { sameHook, sameKind, sameRules } from '../language/compare.js';
import type { Dirty } from '../render/dirty.js';
import { isPeerMap } from '../render/peer-maps.js';
import type { Chain, NftSet, Ruleset } from '../language/types.js';

export interface ElementWork {
  readonly set: NftSet;
  readonly added: readonly (readonly [string, string])[];
  readonly removed: readonly string[];
}

/** What must be done to reach the wanted ruleset, before it is put in phases. */
export interface Work {
  readonly newCounters: string[];
  readonly oldCounters: string[];
  readonly newSets: NftSet[];
  readonly oldSets: NftSet[];
  readonly newChains: Chain[];
  readonly changedChains: Chain[];
  readonly oldChains: string[];
  readonly elements: ElementWork[];
  /** The verdict cache's chains or sets are missing or not as they should be. */
  readonly cacheDamaged: boolean;
  /** An object has a form that cannot be changed in place. */
  needsReplacement: boolean;
}

function addChains(work: Work, wanted: Ruleset, applied: Ruleset, dirty: Dirty): void {
  for (const name of dirty.chains) {
    if (isCacheChain(name)) continue;
    const to = wanted.chains.get(name);
    const from = applied.chains.get(name);
    if (to === undefined) {
      if (from !== undefined) work.oldChains.push(name);
    } else if (from === undefined) work.newChains.push(to);
    else if (!sameHook(to.hook, from.hook)) work.needsReplacement = true;
    else if (!sameRules(to.rules, from.rules)) work.changedChains.push(to);
  }
}

function elementWork(to: NftSet, from: NftSet, keys: Iterable<string>): ElementWork {
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

function addSets(work: Work, wanted: Ruleset, applied: Ruleset, dirty: Dirty): void {
  for (const name of new Set([...dirty.sets, ...dirty.elements.keys()])) {
    if (isCacheSet(name)) continue;
    const to = wanted.sets.get(name);
    const from = applied.sets.get(name);
    if (to === undefined) {
      if (from !== undefined) work.oldSets.push(from);
    } else if (from === undefined) work.newSets.push(to);
    else if (!sameKind(to, from)) work.needsReplacement = true;
    else if (to.dynamic === undefined) {
      const everything = [...to.elements.keys(), ...from.elements.keys()];
      const keys = dirty.sets.has(name) ? new Set(everything) : (dirty.elements.get(name) ?? []);
      const elements = elementWork(to, from, keys);
      if (elements.added.length + elements.removed.length > 0) work.elements.push(elements);
    }
  }
}

export function workOf(wanted: Ruleset, applied: MutableRuleset, dirty: Dirty): Work {
  const work: Work = {
    newCounters: [],
    oldCounters: [],
    newSets: [],
    oldSets: [],
    newChains: [],
    changedChains: [],
    oldChains: [],
    elements: [],
    cacheDamaged: wanted.chains.has('cached') && !cacheIsIntact(applied),
    needsReplacement: false,
  };
  for (const name of dirty.counters) {
    const to = wanted.counters.has(name);
    if (to === applied.counters.has(name)) continue;
    (to ? work.newCounters : work.oldCounters).push(name);
  }
  addSets(work, wanted, applied, dirty);
  addChains(work, wanted, applied, dirty);
  return work;
}

/** Whether the work itself can take an allow away, whatever the change was called. */
export const mayNarrow = (work: Work): boolean =>
  work.cacheDamaged ||
  work.changedChains.length > 0 ||
  work.elements.some(
    ({ set, added, removed }) => set.verdicts && !isPeerMap(set.name) && added.length > 0 && removed.length > 0,
  );
