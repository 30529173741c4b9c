import { cacheIsIntact, cacheLookup, isCacheChain, isCacheSet } from '../render/cache.js';
import { sameHook, sameKind, sameRules } from '../language/compare.js';
import type { PlanInput } from './plan-input.js';
import type { Chain, NftSet } from '../language/types.js';

interface ElementDifference {
  readonly set: NftSet;
  readonly added: readonly (readonly [string, string])[];
  readonly removed: readonly string[];
}

/** What the switch of a turn must change, once all that it refers to is there. */
export interface Difference {
  readonly newBaseChains: Chain[];
  readonly changedChains: Chain[];
  readonly elements: ElementDifference[];
  /** The verdict cache's chains or sets are missing or not as they should be. */
  readonly cacheDamaged: boolean;
}

function addChains(difference: Difference, { content, applied }: PlanInput): void {
  for (const [name, to] of content.chains) {
    if (to === undefined || isCacheChain(name)) continue;
    const from = applied.chains.get(name);
    if (from !== undefined && !sameRules(to.rules, from.rules)) difference.changedChains.push(to);
    else if (from === undefined && to.hook !== undefined) difference.newBaseChains.push(to);
  }
}

/** @param desiredValue of a key; undefined: it should not be there */
function elementDifference(
  set: NftSet,
  keys: Iterable<string>,
  desiredValue: (key: string) => string | undefined,
): ElementDifference {
  const added: [string, string][] = [];
  const removed: string[] = [];
  for (const key of keys) {
    const value = desiredValue(key);
    const old = set.elements.get(key);
    if (value === old) continue;
    if (old !== undefined) removed.push(key);
    if (value !== undefined) added.push([key, value]);
  }
  return { set, added, removed };
}

function addElements(difference: Difference, { content, applied }: PlanInput): void {
  for (const [name, to] of content.sets) {
    const from = applied.sets.get(name);
    // Packets add elements to dynamic ones.
    if (to === undefined || from === undefined || to.dynamic !== undefined || isCacheSet(name)) continue;
    const keys = new Set([...to.elements.keys(), ...from.elements.keys()]);
    difference.elements.push(elementDifference(from, keys, (key) => to.elements.get(key)));
  }
  for (const [name, values] of content.elements) {
    const from = applied.sets.get(name);
    // A set that is missing is made by the turn that needs it, with these elements.
    if (from === undefined || from.dynamic !== undefined || isCacheSet(name)) continue;
    difference.elements.push(elementDifference(from, values.keys(), (key) => values.get(key)));
  }
}

export function differenceOf(input: PlanInput): Difference {
  const { desired, applied } = input;
  const difference: Difference = {
    newBaseChains: [],
    changedChains: [],
    elements: [],
    cacheDamaged: desired.chains.has(cacheLookup) && !cacheIsIntact(applied),
  };
  addElements(difference, input);
  addChains(difference, input);
  const elements = difference.elements.filter(({ added, removed }) => added.length + removed.length > 0);
  return { ...difference, elements };
}

/** Whether the kernel holds all that the turn brings. */
export function isInForce(input: PlanInput): boolean {
  const { elements, changedChains, newBaseChains, cacheDamaged } = differenceOf(input);
  return elements.length + changedChains.length + newBaseChains.length === 0 && !cacheDamaged;
}

/** Whether an object has a form that cannot be changed in place. */
export const needsReplacement = ({ desired, applied, content }: PlanInput): boolean =>
  [...content.chains].some(([name, to]) => {
    const from = applied.chains.get(name);
    return to !== undefined && from !== undefined && !isCacheChain(name) && !sameHook(to.hook, from.hook);
  }) ||
  [...content.sets.keys(), ...content.elements.keys()].some((name) => {
    const [to, from] = [content.sets.get(name) ?? desired.sets.get(name), applied.sets.get(name)];
    return to !== undefined && from !== undefined && !isCacheSet(name) && !sameKind(to, from);
  });

/** Whether the difference itself can take an allow away, whatever the change was called. */
export const mayNarrow = (difference: Difference): boolean =>
  difference.cacheDamaged ||
  difference.changedChains.length > 0 ||
  difference.elements.some(({ set, added, removed }) => set.verdicts && added.length > 0 && removed.length > 0);
