import type { AnyPolicy, PolicyRef } from './policy.js';
import { objectKey, type Namespace, type Node, type ObjectRef, type Pod } from './pod.js';

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

/** Equal for changes of the same object. */
export const changeKey = (change: ClusterChange): string =>
  [change.kind, 'ref' in change ? objectKey(change.ref) : change.name].join(' ');

/** The change that takes the object away. */
export function deletionOf(change: ClusterChange): ClusterChange {
  switch (change.kind) {
    case 'policy':
      return { kind: 'policy', ref: change.ref };
    case 'pod':
      return { kind: 'pod', ref: change.ref };
    case 'namespace':
      return { kind: 'namespace', name: change.name };
    case 'node':
      return { kind: 'node', name: change.name };
  }
}

/** What stands after changes that each made an object. */
export function snapshotOf(changes: Iterable<ClusterChange>): ClusterSnapshot {
  const all = [...changes];
  return {
    policies: all.flatMap((change) => (change.kind === 'policy' && change.policy ? [change.policy] : [])),
    pods: all.flatMap((change) => (change.kind === 'pod' && change.pod ? [change.pod] : [])),
    namespaces: all.flatMap((change) => (change.kind === 'namespace' && change.namespace ? [change.namespace] : [])),
    nodes: all.flatMap((change) => (change.kind === 'node' && change.node ? [change.node] : [])),
  };
}
