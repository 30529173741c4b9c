/** Whether a policy is enforced or in a dry run, and the annotation that says so. */
import type { Annotations } from './annotations.js';
import type { ClusterSnapshot } from './cluster.js';
import type { AnyPolicy } from './policy.js';

/** `audit`: a dry run; what would change is recorded, and nothing is enforced. */
export type PolicyMode = 'enforce' | 'audit';

/** On a NetworkPolicy, or on a Namespace for all of its policies. */
export const modeAnnotation = 'podwall.dev/mode';

/** An unknown mode enforces. */
export const modeIn = (annotations: Annotations): PolicyMode =>
  annotations[modeAnnotation] === 'audit' ? 'audit' : 'enforce';

/** Whether a policy is in a dry run: by its own annotation, or by its namespace's for all of its policies. */
export const isDryRun = (
  policy: { readonly mode?: 'audit' },
  namespace: { readonly annotations: Annotations } | undefined,
): boolean => policy.mode === 'audit' || modeIn(namespace?.annotations ?? {}) === 'audit';

/** Those of a cluster's policies that are in a dry run. */
export function dryRunPolicies({
  policies,
  namespaces,
}: Pick<ClusterSnapshot, 'policies' | 'namespaces'>): AnyPolicy[] {
  const byName = new Map(namespaces.map((one) => [one.name, one]));
  return policies.filter((policy) => isDryRun(policy, byName.get(policy.ref.namespace)));
}
