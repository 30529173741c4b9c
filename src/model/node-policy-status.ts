/**
 * What one node enforces, as the cluster-scoped object `NodePolicyStatus` (podwall.dev/v1alpha1) says it; the object has
 * the node's name. Written by the node's agent, read by `podwall status --cluster`.
 */
import type { ObjectRef } from './pod.js';

export const nodePolicyStatusKind = {
  apiVersion: 'podwall.dev/v1alpha1',
  kind: 'NodePolicyStatus',
  path: '/apis/podwall.dev/v1alpha1/nodepolicystatuses',
} as const;

export interface NodePolicyStatus {
  /** The node's cluster is read and enforced. */
  readonly ready: boolean;
  /** The agent's own count of states that it put into the kernel. */
  readonly revision: number;
  /** RFC 3339. */
  readonly observedAt: string;
  /** Pods of this node that are enforced. */
  readonly endpoints: number;
  /** Pods of this node whose traffic does not pass its forward path. */
  readonly unattached: number;
  /** Those that isolate a pod of this node. */
  readonly policies: readonly EnforcedPolicy[];
}

export interface EnforcedPolicy extends ObjectRef {
  readonly uid?: string;
  /** The one that is in the kernel; absent for manifests. */
  readonly generation?: number;
  /** How many pods of this node it isolates, of those whose traffic passes this node's forward path. */
  readonly pods: number;
  /** Why it fails closed; absent for a policy that is enforced as written. */
  readonly failing?: readonly string[];
}
