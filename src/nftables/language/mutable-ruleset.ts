import type { Chain, NftSet, OtherObject, Ruleset } from './types.js';

export interface MutableSet extends NftSet {
  readonly elements: Map<string, string>;
}

/** One that changes: under construction, or what the kernel holds as far as we know. */
export interface MutableRuleset extends Ruleset {
  readonly counters: Set<string>;
  readonly sets: Map<string, MutableSet>;
  readonly chains: Map<string, Chain>;
  readonly others: Map<string, OtherObject>;
}

export const emptyRuleset = (
  family: Ruleset['family'] = 'inet',
  table = 'podwall',
  title?: string,
): MutableRuleset => ({
  family,
  table,
  ...(title === undefined ? {} : { title }),
  counters: new Set(),
  sets: new Map(),
  chains: new Map(),
  others: new Map(),
});

/** A set of one's own: the desired ruleset is live, and what was applied must not move with it. */
export const copySet = (set: NftSet): MutableSet => ({ ...set, elements: new Map(set.elements) });

/** Makes `applied` hold what `desired` holds now. */
export function overwrite(applied: MutableRuleset, desired: Ruleset): void {
  applied.counters.clear();
  applied.sets.clear();
  applied.chains.clear();
  applied.others.clear();
  for (const counter of desired.counters) applied.counters.add(counter);
  for (const [name, set] of desired.sets) applied.sets.set(name, copySet(set));
  for (const [name, chain] of desired.chains) applied.chains.set(name, chain);
}
