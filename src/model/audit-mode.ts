/** The annotations that say what is only tried, and what is recorded beside denials. */
import type { ClusterSnapshot } from './cluster.js';
import type { AnyPolicy } from './policy.js';

export type Annotations = Readonly<Record<string, string>>;

/** `audit`: a dry run; what would change is recorded, and nothing is enforced. */
export type PolicyMode = 'enforce' | 'audit';

/** On a NetworkPolicy, or on a Namespace for all of its policies. */
export const modeAnnotation = 'podwall.dev/mode';
/** On a Namespace: what is recorded of its pods, `deny` (always) and `allow`. */
export const auditAnnotation = 'podwall.dev/audit';

/** Whatever is not known enforces. */
export const modeIn = (annotations: Annotations): PolicyMode =>
  annotations[modeAnnotation] === 'audit' ? 'audit' : 'enforce';

/** Whether a policy is only tried: by its own annotation, or by its namespace's for all of its policies. */
export const isTried = (
  policy: { readonly mode?: 'audit' },
  namespace: { readonly annotations: Annotations } | undefined,
): boolean => policy.mode === 'audit' || modeIn(namespace?.annotations ?? {}) === 'audit';

/** What is to be recorded of a namespace's pods, in the annotation's own words. */
export const recordedIn = (annotations: Annotations): string[] =>
  (annotations[auditAnnotation] ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

/** Whether the first packet of every allowed flow is recorded. */
export const logsAllowed = (annotations: Annotations): boolean => recordedIn(annotations).includes('allow');

/** Those of a cluster's policies that are only tried. */
export function triedPolicies({ policies, namespaces }: Pick<ClusterSnapshot, 'policies' | 'namespaces'>): AnyPolicy[] {
  const byName = new Map(namespaces.map((one) => [one.name, one]));
  return policies.filter((policy) => isTried(policy, byName.get(policy.ref.namespace)));
}
