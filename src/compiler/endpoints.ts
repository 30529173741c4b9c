import type { Annotations } from '../model/annotations.js';
import { logsAllowed } from '../model/audit-annotation.js';
import { isDryRun, type DryRunScope } from '../model/policy-mode.js';
import { youngestBeyond } from '../model/policy-age.js';
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

/** What decides which of a pod's policies are in a dry run, and whether its allowed flows are recorded. */
export interface EndpointSettings {
  /** Of the pod's namespace. */
  readonly annotations: Annotations;
  readonly dryRun: DryRunScope;
  /** Of more policies on a pod than this, the youngest isolate it and allow nothing. Absent: no limit. */
  readonly maxPolicies?: number;
}

/** What the policies that select a pod come to. */
export type Enforcement = Pick<Endpoint, 'policies' | 'ingress' | 'egress' | 'dryRun'>;

/** Where no policy selects the pod. */
export const notIsolated: Enforcement = { policies: 0, ingress: open, egress: open };

/** @param policies those that select the pod, in the order of their keys */
export function enforcementBy(policies: readonly AnyPolicy[], settings: EndpointSettings): Enforcement {
  const enforced = policies.filter((policy) => !isDryRun(policy, settings, settings.dryRun));
  const tooMany = new Set(youngestBeyond(policies, settings.maxPolicies ?? Infinity));
  const isolation = (of: readonly AnyPolicy[], direction: Direction): Isolation => isolationBy(of, direction, tooMany);
  const [ingress, egress] = [isolation(enforced, 'ingress'), isolation(enforced, 'egress')];
  const dryRun =
    enforced.length === policies.length
      ? {}
      : {
          ...dryRunIsolation('ingress', ingress, isolation(policies, 'ingress')),
          ...dryRunIsolation('egress', egress, isolation(policies, 'egress')),
        };
  return { policies: policies.length, ingress, egress, ...(Object.keys(dryRun).length === 0 ? {} : { dryRun }) };
}

export const makeEndpoint = (
  pod: Pod,
  addresses: readonly Address[],
  enforcement: Enforcement,
  { annotations }: EndpointSettings,
): Endpoint => ({
  pod: pod.ref,
  podUid: pod.uid,
  node: pod.node,
  addresses,
  ...enforcement,
  ...(logsAllowed(annotations) ? { logsAllowed: true } : {}),
});

function isolationBy(
  policies: readonly AnyPolicy[],
  direction: Direction,
  allowingNothing: ReadonlySet<AnyPolicy>,
): Isolation {
  const by = policies.filter((policy) => isolates(policy, direction));
  if (by.length === 0) return open;
  const allowedBy = by.filter((policy) => allowsSomething(policy, direction) && !allowingNothing.has(policy));
  return {
    kind: 'isolated',
    by: by.map(({ ref }) => ref),
    allowedBy: allowedBy.map(({ ref }) => ruleListId(ref, direction)),
  };
}

/** A further policy that isolates an isolated pod changes nothing unless it allows something. */
function dryRunIsolation(direction: Direction, now: Isolation, all: Isolation): Endpoint['dryRun'] {
  if (all.kind === 'open') return {};
  if (now.kind === 'isolated' && now.allowedBy.length === all.allowedBy.length) return {};
  return { [direction]: all };
}

/** The rule lists of each of its isolations; endpoints with the same policies share them. */
export function ruleListsOf(endpoint: Endpoint | undefined): readonly (readonly RuleListId[])[] {
  if (endpoint === undefined) return [];
  return directions.flatMap((direction) => isolationsOf(endpoint, direction).map(({ allowedBy }) => allowedBy));
}

export function sameEndpoint(a: Endpoint | undefined, b: Endpoint | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.podUid === b.podUid &&
    a.policies === b.policies &&
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
