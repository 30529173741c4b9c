/** What decides about the packets of endpoints in one direction: equal for all endpoints that share chains. */
import type { Direction } from '../../model/policy.js';
import type { Endpoint, Isolated, RuleListId } from '../../program/types.js';
import { policyText } from '../names/policies.js';

export interface IsolationSpec {
  readonly direction: Direction;
  /** Enforced, or in a dry run only. */
  readonly kind: 'enforced' | 'dryRun';
  readonly isolation: Isolated;
  /** Rule lists in a dry run that would let through what is denied. */
  readonly dryRunAllows: readonly RuleListId[];
  /** The endpoints' allowed flows are recorded. */
  readonly logsAllowed: boolean;
}

/** Undefined where neither what is enforced nor a dry run isolates. */
export function isolationSpecOf(endpoint: Endpoint, direction: Direction): IsolationSpec | undefined {
  const now = endpoint[direction];
  const dryRun = endpoint.dryRun?.[direction];
  const logsAllowed = endpoint.logsAllowed === true;
  if (now.kind === 'open')
    return dryRun && { direction, kind: 'dryRun', isolation: dryRun, dryRunAllows: [], logsAllowed };
  const dryRunAllows = dryRun?.allowedBy.filter((id) => !now.allowedBy.includes(id)) ?? [];
  return { direction, kind: 'enforced', isolation: now, dryRunAllows, logsAllowed };
}

/** Equal for endpoints that share a chain. */
export function isolationKey({ direction, kind, isolation, dryRunAllows, logsAllowed }: IsolationSpec): string {
  const parts = [direction, isolation.by.map(policyText), isolation.allowedBy];
  if (kind === 'dryRun') return JSON.stringify(['dry run', ...parts, logsAllowed]);
  return JSON.stringify(dryRunAllows.length === 0 ? parts : [...parts, dryRunAllows]);
}

export const ruleListsOf = ({ isolation, dryRunAllows }: IsolationSpec): readonly RuleListId[] => [
  ...isolation.allowedBy,
  ...dryRunAllows,
];
