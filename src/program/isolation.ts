import { policyKey, type Direction } from '../model/policy.js';
import type { Endpoint, Isolated, Isolation, RuleListId } from './types.js';

export function sameIsolation(a: Isolation, b: Isolation): boolean {
  if (a.kind === 'open' || b.kind === 'open') return a.kind === b.kind;
  return a.by.map(policyKey).join() === b.by.map(policyKey).join() && a.allowedBy.join() === b.allowedBy.join();
}

/** What isolates the endpoint, and what would with the policies in a dry run. */
export const isolationsOf = (endpoint: Endpoint, direction: Direction): readonly Isolated[] =>
  [endpoint[direction], endpoint.dryRun?.[direction]].filter((one): one is Isolated => one?.kind === 'isolated');

/** Whether the policies that isolate the endpoint, or would in a dry run, allow by this rule list. */
export const isAllowedBy = (endpoint: Endpoint, direction: Direction, list: RuleListId): boolean =>
  isolationsOf(endpoint, direction).some(({ allowedBy }) => allowedBy.includes(list));
