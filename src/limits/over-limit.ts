import type { LimitName } from './limits.js';

/** A policy, namespace or pod that is over a limit. */
export interface OverLimit {
  readonly of: 'policy' | 'namespace' | 'pod';
  /** Of a namespace: itself. */
  readonly namespace: string;
  readonly name: string;
  /** Absent in manifests. */
  readonly uid?: string;
  /** `policyMemory`: its rules would not fit into the memory for policies, and it fails closed in any mode. */
  readonly limit: LimitName | 'policyMemory';
  /** Of policyMemory: bytes. */
  readonly count: number;
  readonly most: number;
  readonly message: string;
  /** Whether it fails closed for it; otherwise it is enforced as written. */
  readonly refused: boolean;
}
