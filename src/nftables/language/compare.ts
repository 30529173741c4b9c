import type { Chain, Hook, NftSet, Rule, Ruleset } from './types.js';

/** Equal by value, whatever the order of keys. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => sameJson((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}

export const sameHook = (a: Hook | undefined, b: Hook | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    // Another process may have made it of another type.
    sameJson(a.type, b.type) &&
    a.hook === b.hook &&
    a.priority === b.priority &&
    a.policy === b.policy &&
    // The listing of nft 1.0.6 leaves the device out.
    (a.device === b.device || a.device === undefined || b.device === undefined));

const sameRule = (a: Rule, b: Rule): boolean => a.comment === b.comment && sameJson(a.statements, b.statements);

export const sameRules = (a: readonly Rule[], b: readonly Rule[]): boolean =>
  a === b || (a.length === b.length && a.every((rule, index) => sameRule(rule, b[index] as Rule)));

export const sameChain = (a: Chain, b: Chain): boolean => sameHook(a.hook, b.hook) && sameRules(a.rules, b.rules);

/** Whether elements may move between the two: everything but the elements is equal. */
export const sameKind = (a: NftSet, b: NftSet): boolean =>
  a.verdicts === b.verdicts &&
  a.interval === b.interval &&
  a.isForeign === b.isForeign &&
  a.type.join() === b.type.join() &&
  a.dynamic?.size === b.dynamic?.size &&
  a.dynamic?.timeoutSeconds === b.dynamic?.timeoutSeconds;

/** Of a set that packets fill, none are compared. */
export const sameElements = (a: NftSet, b: NftSet): boolean =>
  a.dynamic !== undefined ||
  a.elements === b.elements ||
  (a.elements.size === b.elements.size && [...a.elements].every(([key, value]) => b.elements.get(key) === value));

/** Whether the ruleset has any object at all. */
export const isEmpty = (ruleset: Ruleset): boolean =>
  ruleset.chains.size + ruleset.sets.size + ruleset.counters.size + (ruleset.others?.size ?? 0) === 0;
