import { policyKey, type Direction } from '../model/policy.js';
import type { Endpoint, Isolated, Isolation, RuleListId } from './types.js';

export function sameIsolation(a: Isolation, b: Isolation): boolean {
  if (a === b) return true;
  if (a.kind === 'open' || b.kind === 'open') return a.kind === b.kind;
  return (
    sameItems(a.allowedBy, b.allowedBy, (one, other) => one === other) &&
    sameItems(a.by, b.by, (one, other) => one === other || policyKey(one) === policyKey(other))
  );
}

const sameItems = <T>(a: readonly T[], b: readonly T[], same: (one: T, other: T) => boolean): boolean =>
  a === b || (a.length === b.length && a.every((one, index) => same(one, b[index] as T)));

/** What isolates the endpoint, and what would with the policies in a dry run. */
export const isolationsOf = (endpoint: Endpoint, direction: Direction): readonly Isolated[] =>
  [endpoint[direction], endpoint.dryRun?.[direction]].filter((one): one is Isolated => one?.kind === 'isolated');

/** Whether the policies that isolate the endpoint, or would in a dry run, allow by this rule list. */
export const isAllowedBy = (endpoint: Endpoint, direction: Direction, list: RuleListId): boolean =>
  isolationsOf(endpoint, direction).some(({ allowedBy }) => allowedBy.includes(list));
