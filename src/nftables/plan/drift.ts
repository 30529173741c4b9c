import {
  cacheIsIntact,
  cacheLookup,
  firstCache,
  hasLostExceptions,
  isCacheChain,
  isCacheSet,
  pointerChains,
  staleCaches,
} from '../render/cache.js';
import { sameChain, sameKind } from '../language/compare.js';
import { DirtyCollector, type Dirty } from '../render/dirty.js';
import type { NftSet, Ruleset } from '../language/types.js';

/** Names that only one of the two has. */
function collectOneSided(a: Iterable<string>, b: { has(name: string): boolean }, into: Set<string>): void {
  for (const name of a) if (!b.has(name)) into.add(name);
}

function collectElements(desired: NftSet, applied: NftSet, dirty: DirtyCollector): void {
  if (desired.elements === applied.elements) return;
  for (const [key, value] of desired.elements)
    if (applied.elements.get(key) !== value) dirty.element(desired.name, key);
  for (const key of applied.elements.keys()) if (!desired.elements.has(key)) dirty.element(desired.name, key);
}

function collectPointers(dirty: DirtyCollector): void {
  for (const { name } of pointerChains(firstCache)) dirty.chains.add(name);
}

function collectCache(desired: Ruleset, applied: Ruleset, dirty: DirtyCollector): void {
  if (!desired.chains.has(cacheLookup)) return;
  if (!cacheIsIntact(applied)) collectPointers(dirty);
  collectStaleCaches(applied, dirty);
}

function collectStaleCaches(applied: Ruleset, dirty: DirtyCollector): void {
  for (const { chains, sets } of staleCaches(applied)) {
    for (const name of chains) dirty.chains.add(name);
    for (const set of sets) dirty.sets.add(set.name);
  }
}

/** Old generations of the verdict cache that are still there: a sweep removes them. */
export function staleCachesIn(applied: Ruleset): Dirty {
  const stale = new DirtyCollector();
  collectStaleCaches(applied, stale);
  return stale;
}

/**
 * Compares everything: after a start, and when somebody else may have touched the table.
 * @param known what was there when this agent last changed it
 */
export function findDrift(desired: Ruleset, applied: Ruleset, known?: Ruleset): Dirty {
  const dirty = new DirtyCollector();
  for (const [name, chain] of desired.chains) {
    if (isCacheChain(name)) continue;
    const found = applied.chains.get(name);
    if (found === undefined || !sameChain(chain, found)) dirty.chains.add(name);
  }
  for (const name of applied.chains.keys())
    if (!isCacheChain(name) && !desired.chains.has(name)) dirty.chains.add(name);
  collectOneSided(desired.counters, applied.counters, dirty.counters);
  collectOneSided(applied.counters, desired.counters, dirty.counters);
  for (const [name, set] of desired.sets) {
    if (isCacheSet(name)) continue;
    const found = applied.sets.get(name);
    if (found === undefined || !sameKind(set, found)) dirty.sets.add(name);
    else if (set.dynamic === undefined) collectElements(set, found, dirty);
  }
  for (const name of applied.sets.keys()) if (!isCacheSet(name) && !desired.sets.has(name)) dirty.sets.add(name);
  for (const name of applied.others?.keys() ?? []) if (desired.others?.has(name) !== true) dirty.others.add(name);
  collectCache(desired, applied, dirty);
  if (known !== undefined && hasLostExceptions(known, applied)) collectPointers(dirty);
  return dirty;
}
