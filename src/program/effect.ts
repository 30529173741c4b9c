import { directions, type Direction } from '../model/policy.js';
import { sameIsolation } from './isolation.js';
import type { Effect, Endpoint, GroupChange, Isolation, ProgramChange } from './types.js';

/**
 * Whether a change can only allow more. It decides whether the kernel's verdict cache may stay, so whatever is not known
 * to widen narrows:
 * - an addition to a group widens (rules match groups positively), a removal narrows;
 * - an endpoint that stops being isolated in place widens; any other change of an endpoint re-points or adds elements,
 *   and narrows;
 * - a dry run or a record of allows that begins, ends or changes narrows: a remembered relation would not be recorded;
 * - a rule list that changes replaces a chain, and narrows; one that comes or goes is seen only through endpoints;
 * - a known address more widens; one less, or other ranges, narrow.
 * Own node addresses never enter the kernel's forward path: no effect.
 */
export function effectOf(change: ProgramChange): Effect {
  const effects: Effect[] = [
    ...change.endpoints.map(({ before, after }) => endpointEffect(before, after)),
    ...change.ruleLists.map(({ before, after }): Effect => (before && after ? 'narrows' : 'none')),
    ...change.groups.map(groupEffect),
  ];
  const { unknown } = change;
  if (unknown !== undefined) {
    if (unknown.ranges !== undefined || unknown.removed.length > 0) effects.push('narrows');
    if (unknown.added.length > 0) effects.push('widens');
  }
  return worstEffect(effects);
}

/** What may narrow stays narrowing, whatever else there is. */
export function worstEffect(effects: readonly Effect[]): Effect {
  if (effects.includes('narrows')) return 'narrows';
  return effects.includes('widens') ? 'widens' : 'none';
}

function groupEffect({ change, added, removed }: GroupChange): Effect {
  // A group that comes or goes as a whole is referenced only by rule lists that come or go with it.
  if (change !== 'members') return 'none';
  if (removed.length > 0) return 'narrows';
  return added.length > 0 ? 'widens' : 'none';
}

function endpointEffect(before: Endpoint | undefined, after: Endpoint | undefined): Effect {
  if (before === undefined || after === undefined) return 'narrows';
  if (before.addresses.join() !== after.addresses.join()) return 'narrows';
  // What is remembered would not be recorded.
  if (before.logsAllowed !== after.logsAllowed || !sameDryRun(before, after)) return 'narrows';
  // No longer isolated, its packets still go to chains of their own: a map's element is pointed elsewhere.
  const hasOwnChains = (direction: Direction): boolean =>
    after.logsAllowed === true || after.dryRun?.[direction] !== undefined;
  if (directions.some((one) => hasOwnChains(one) && !sameIsolation(before[one], after[one]))) return 'narrows';
  return worstEffect([isolationEffect(before.ingress, after.ingress), isolationEffect(before.egress, after.egress)]);
}

const sameDryRun = (before: Endpoint, after: Endpoint): boolean =>
  directions.every((direction) => {
    const [one, other] = [before.dryRun?.[direction], after.dryRun?.[direction]];
    return one === other || (one !== undefined && other !== undefined && sameIsolation(one, other));
  });

function isolationEffect(before: Isolation, after: Isolation): Effect {
  if (before.kind === 'open' && after.kind === 'open') return 'none';
  if (before.kind === 'isolated' && after.kind === 'open') return 'widens';
  if (before.kind === 'open' || after.kind === 'open') return 'narrows';
  return sameIsolation(before, after) ? 'none' : 'narrows';
}
