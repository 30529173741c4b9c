import { directions, type AnyPolicy, type Direction } from '../model/policy.js';
import type { Pod } from '../model/pod.js';
import type { Address } from '../model/address.js';
import { isolationsOf, sameIsolation } from '../program/isolation.js';
import { open, ruleListId, type Endpoint, type Isolation, type RuleListId } from '../program/types.js';
import { matches } from '../selectors/match.js';

/** Whether the policy selects a pod of its own namespace. */
export const selects = (policy: AnyPolicy, pod: Pick<Pod, 'labels'>): boolean =>
  policy.appliesTo === 'wholeNamespace' || matches(policy.appliesTo, pod.labels);

export const isolates = (policy: AnyPolicy, direction: Direction): boolean =>
  policy.kind === 'broken' ? policy.directions.includes(direction) : policy[direction] !== undefined;

/** Whether the policy allows anything at all: a default deny has no rule list. */
const allowsSomething = (policy: AnyPolicy, direction: Direction): boolean =>
  policy.kind === 'policy' && (policy[direction]?.length ?? 0) > 0;

/** What is recorded of a namespace's pods beyond what is enforced. */
export interface AuditSettings {
  readonly dryRun: DryRun;
  readonly logsAllowed: boolean;
}

/** Which policies are in a dry run: those whose annotation says so, all, or none whatever it says. */
export type DryRun = 'annotated' | 'all' | 'none';

export const noAudit: AuditSettings = { dryRun: 'annotated', logsAllowed: false };

const isLeftToDryRun = (policy: AnyPolicy, dryRun: DryRun): boolean =>
  dryRun === 'all' || (dryRun === 'annotated' && policy.mode === 'audit');

/** An endpoint from the policies that select it, given in the order of their keys. */
export function makeEndpoint(
  pod: Pod,
  addresses: readonly Address[],
  policies: readonly AnyPolicy[],
  audit: AuditSettings = noAudit,
): Endpoint {
  const enforced = policies.filter((policy) => !isLeftToDryRun(policy, audit.dryRun));
  const [ingress, egress] = [isolationBy(enforced, 'ingress'), isolationBy(enforced, 'egress')];
  const dryRun =
    enforced.length === policies.length
      ? {}
      : { ...dryRunIsolation(policies, 'ingress', ingress), ...dryRunIsolation(policies, 'egress', egress) };
  return {
    pod: pod.ref,
    podUid: pod.uid,
    node: pod.node,
    addresses,
    ingress,
    egress,
    ...(Object.keys(dryRun).length === 0 ? {} : { dryRun }),
    ...(audit.logsAllowed ? { logsAllowed: true } : {}),
  };
}

function isolationBy(policies: readonly AnyPolicy[], direction: Direction): Isolation {
  const by = policies.filter((policy) => isolates(policy, direction));
  if (by.length === 0) return open;
  const allowedBy = by.filter((policy) => allowsSomething(policy, direction));
  return {
    kind: 'isolated',
    by: by.map(({ ref }) => ref),
    allowedBy: allowedBy.map(({ ref }) => ruleListId(ref, direction)),
  };
}

/** One more policy that isolates a pod which is isolated already changes nothing unless it allows something. */
function dryRunIsolation(policies: readonly AnyPolicy[], direction: Direction, now: Isolation): Endpoint['dryRun'] {
  const all = isolationBy(policies, direction);
  if (all.kind === 'open') return {};
  if (now.kind === 'isolated' && now.allowedBy.length === all.allowedBy.length) return {};
  return { [direction]: all };
}

export function ruleListsOf(endpoint: Endpoint | undefined): readonly RuleListId[] {
  if (endpoint === undefined) return [];
  return directions.flatMap((direction) => isolationsOf(endpoint, direction).flatMap(({ allowedBy }) => allowedBy));
}

export function sameEndpoint(a: Endpoint | undefined, b: Endpoint | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.podUid === b.podUid &&
    a.node === b.node &&
    a.addresses.join() === b.addresses.join() &&
    a.logsAllowed === b.logsAllowed &&
    directions.every(
      (direction) =>
        sameIsolation(a[direction], b[direction]) &&
        sameIsolation(a.dryRun?.[direction] ?? open, b.dryRun?.[direction] ?? open),
    )
  );
}
