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
  const enforced = dryRun && new Set(now.allowedBy);
  const dryRunAllows = dryRun?.allowedBy.filter((id) => enforced?.has(id) !== true) ?? [];
  return { direction, kind: 'enforced', isolation: now, dryRunAllows, logsAllowed };
}

/** Equal for endpoints that share a chain. */
function isolationKey({ direction, kind, isolation, dryRunAllows, logsAllowed }: IsolationSpec): string {
  const parts = [direction, isolation.by.map(policyText), isolation.allowedBy];
  if (kind === 'dryRun') return JSON.stringify(['dry run', ...parts, logsAllowed]);
  return JSON.stringify(dryRunAllows.length === 0 ? parts : [...parts, dryRunAllows]);
}

export const ruleListsOf = ({ isolation, dryRunAllows }: IsolationSpec): readonly RuleListId[] => [
  ...isolation.allowedBy,
  ...dryRunAllows,
];

export interface KeyedIsolation {
  /** Equal for endpoints that share a chain. */
  readonly key: string;
  readonly spec: IsolationSpec;
}

const noDryRun = {};

/** Specs and their keys, worked out once for all endpoints whose policies are the same objects: they name every policy. */
export class IsolationSpecs {
  /** By what is enforced, then by the dry run, then by direction and record. */
  readonly #known = new WeakMap<object, WeakMap<object, Map<string, KeyedIsolation>>>();

  /** Undefined where neither what is enforced nor a dry run isolates. */
  of(endpoint: Endpoint, direction: Direction): KeyedIsolation | undefined {
    const now = endpoint[direction];
    const dryRun = endpoint.dryRun?.[direction];
    if (now.kind === 'open' && dryRun === undefined) return undefined;
    const byDryRun = this.#known.get(now) ?? new WeakMap<object, Map<string, KeyedIsolation>>();
    const shared = byDryRun.get(dryRun ?? noDryRun) ?? new Map<string, KeyedIsolation>();
    const which = `${direction} ${String(endpoint.logsAllowed === true)}`;
    const known = shared.get(which);
    if (known !== undefined) return known;
    const spec = isolationSpecOf(endpoint, direction);
    if (spec === undefined) return undefined;
    const made = { key: isolationKey(spec), spec };
    this.#known.set(now, byDryRun.set(dryRun ?? noDryRun, shared.set(which, made)));
    return made;
  }
}
