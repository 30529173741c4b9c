/** What a log prefix means: nftables/ writes and reads it, audit/ makes a record of it and need not know chain names. */
import type { Direction } from '../model/policy.js';
import type { SkeletonDrop } from './drop-reasons.js';

export type LoggedChain =
  | { readonly kind: 'skeleton-deny'; readonly reason: SkeletonDrop }
  /** At a pod's device: what it may not send, and what may not reach it. */
  | { readonly kind: 'guard' | 'egress-guard'; readonly device: string }
  | { readonly kind: 'deny' | 'dry-run-deny' | 'allow' | 'dry-run-allow'; readonly direction: Direction }
  | { readonly kind: 'allow-not-isolated'; readonly direction: Direction };
