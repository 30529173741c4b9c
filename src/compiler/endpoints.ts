import { directions, policyKey, type AnyPolicy, type Direction } from '../model/policy.js';
import type { Pod } from '../model/pod.js';
import type { Address } from '../model/address.js';
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

/** An endpoint from the policies that select it, given in the order of their keys. */
export function makeEndpoint(pod: Pod, addresses: readonly Address[], policies: readonly AnyPolicy[]): Endpoint {
  const isolation = (direction: Direction): Isolation => {
    const by = policies.filter((policy) => isolates(policy, direction));
    if (by.length === 0) return open;
    const allowedBy = by.filter((policy) => allowsSomething(policy, direction));
    return {
      kind: 'isolated',
      by: by.map(({ ref }) => ref),
      allowedBy: allowedBy.map(({ ref }) => ruleListId(ref, direction)),
    };
  };
  return {
    pod: pod.ref,
    podUid: pod.uid,
    node: pod.node,
    addresses,
    ingress: isolation('ingress'),
    egress: isolation('egress'),
  };
}

export function ruleListsOf(endpoint: Endpoint | undefined): readonly RuleListId[] {
  if (endpoint === undefined) return [];
  return directions.flatMap((direction) => {
    const isolation = endpoint[direction];
    return isolation.kind === 'open' ? [] : isolation.allowedBy;
  });
}

export function sameEndpoint(a: Endpoint | undefined, b: Endpoint | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.podUid === b.podUid &&
    a.node === b.node &&
    a.addresses.join() === b.addresses.join() &&
    directions.every((direction) => sameIsolation(a[direction], b[direction]))
  );
}

function sameIsolation(a: Isolation, b: Isolation): boolean {
  if (a.kind === 'open' || b.kind === 'open') return a.kind === b.kind;
  return a.by.map(policyKey).join() === b.by.map(policyKey).join() && a.allowedBy.join() === b.allowedBy.join();
}
