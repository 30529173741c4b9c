import type { Chain, NftSet, Ruleset } from './types.js';

export interface MutableSet extends NftSet {
  readonly elements: Map<string, string>;
}

/** What the kernel holds, as far as we know: read back, then updated by every step that succeeded. */
export interface MutableRuleset extends Ruleset {
  readonly counters: Set<string>;
  readonly sets: Map<string, MutableSet>;
  readonly chains: Map<string, Chain>;
}

export const emptyRuleset = (family: Ruleset['family'] = 'inet', table = 'podwall'): MutableRuleset => ({
  family,
  table,
  counters: new Set(),
  sets: new Map(),
  chains: new Map(),
});

/** A set of one's own: the wanted ruleset is live, and what was applied must not move with it. */
export const copySet = (set: NftSet): MutableSet => ({ ...set, elements: new Map(set.elements) });

/** Makes `applied` hold what `wanted` holds now. */
export function overwrite(applied: MutableRuleset, wanted: Ruleset): void {
  applied.counters.clear();
  applied.sets.clear();
  applied.chains.clear();
  for (const counter of wanted.counters) applied.counters.add(counter);
  for (const [name, set] of wanted.sets) applied.sets.set(name, copySet(set));
  for (const [name, chain] of wanted.chains) applied.chains.set(name, chain);
}
