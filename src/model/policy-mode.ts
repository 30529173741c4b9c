/** Whether a policy is enforced or in a dry run, and the annotation that says so. */
import type { Annotations } from './annotations.js';
import type { ClusterSnapshot } from './cluster.js';
import type { AnyPolicy } from './policy.js';

/** `dry-run`: what would change is recorded, and nothing is enforced. */
export type PolicyMode = 'enforce' | 'dry-run';

export const policyModes: readonly PolicyMode[] = ['enforce', 'dry-run'];

/** On a NetworkPolicy, or on a Namespace for all of its policies. */
export const modeAnnotation = 'podwall.dev/mode';

/** What a dry run was called before: a policy that still says so must not start to drop packets. */
export const renamedDryRun = 'audit';

/** An unknown mode enforces. */
export const modeIn = (annotations: Annotations): PolicyMode => {
  const mode = annotations[modeAnnotation];
  return mode === 'dry-run' || mode === renamedDryRun ? 'dry-run' : 'enforce';
};

/** Which policies are in a dry run: those whose annotation says so, all, or none whatever it says. */
export type DryRunScope = 'annotated' | 'all' | 'none';

/** Whether a policy is in a dry run: by its own annotation, or by its namespace's for all of its policies. */
export function isDryRun(
  policy: { readonly mode?: 'dry-run' },
  namespace: { readonly annotations: Annotations } | undefined,
  scope: DryRunScope = 'annotated',
): boolean {
  if (scope !== 'annotated') return scope === 'all';
  return policy.mode === 'dry-run' || modeIn(namespace?.annotations ?? {}) === 'dry-run';
}

/** Those of a cluster's policies that are in a dry run. */
export function dryRunPolicies({
  policies,
  namespaces,
}: Pick<ClusterSnapshot, 'policies' | 'namespaces'>): AnyPolicy[] {
  const byName = new Map(namespaces.map((one) => [one.name, one]));
  return policies.filter((policy) => isDryRun(policy, byName.get(policy.ref.namespace)));
}
