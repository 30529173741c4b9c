import type { AnyPolicy, PolicyRef } from './policy.js';
import type { Namespace, Node, ObjectRef, Pod } from './pod.js';

/** Everything known about the cluster at one revision of the source. */
export interface ClusterSnapshot {
  readonly policies: readonly AnyPolicy[];
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly nodes: readonly Node[];
}

/** One object's new state; absent means deleted. */
export type ClusterChange =
  | { readonly kind: 'policy'; readonly ref: PolicyRef; readonly policy?: AnyPolicy }
  | { readonly kind: 'pod'; readonly ref: ObjectRef; readonly pod?: Pod }
  | { readonly kind: 'namespace'; readonly name: string; readonly namespace?: Namespace }
  | { readonly kind: 'node'; readonly name: string; readonly node?: Node };

/** The changes that lead from nothing to `snapshot`. */
export function changesFrom(snapshot: ClusterSnapshot): ClusterChange[] {
  return [
    ...snapshot.nodes.map((node) => ({ kind: 'node' as const, name: node.name, node })),
    ...snapshot.namespaces.map((namespace) => ({ kind: 'namespace' as const, name: namespace.name, namespace })),
    ...snapshot.pods.map((pod) => ({ kind: 'pod' as const, ref: pod.ref, pod })),
    ...snapshot.policies.map((policy) => ({ kind: 'policy' as const, ref: policy.ref, policy })),
  ];
}
