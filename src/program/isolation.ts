import { policyKey, type Direction } from '../model/policy.js';
import type { Endpoint, Isolated, Isolation } from './types.js';

export function sameIsolation(a: Isolation, b: Isolation): boolean {
  if (a.kind === 'open' || b.kind === 'open') return a.kind === b.kind;
  return a.by.map(policyKey).join() === b.by.map(policyKey).join() && a.allowedBy.join() === b.allowedBy.join();
}

/** What isolates the endpoint, and what would with the policies in a dry run. */
export const isolationsOf = (endpoint: Endpoint, direction: Direction): readonly Isolated[] =>
  [endpoint[direction], endpoint.dryRun?.[direction]].filter((one): one is Isolated => one?.kind === 'isolated');
