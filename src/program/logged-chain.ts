/** What a chain says of the packets that it logs, so that the audit log needs no names. */
import type { Direction } from '../model/policy.js';

/** Why every node drops packets whose verdict is not a policy's. */
export const skeletonDrops = [
  /** In the middle of a stream that conntrack has not seen, and one of its ends is isolated. */
  'mid-stream',
  /** The same, allowed, but there is no room to remember that stream. */
  'midstream-full',
  /** Without a conntrack entry, to or from an isolated pod. */
  'untracked',
  'invalid',
  /** An ICMP error of a kind that is none, or not sent by an end of the flow that it quotes. */
  'icmp-error',
  /** An address in the node's pod ranges that no known pod has: at an end of the flow, or of a packet without one. */
  'unknown-pod',
  'unknown-pod-packet',
] as const;
export type SkeletonDrop = (typeof skeletonDrops)[number];

export type LoggedChain =
  | { readonly kind: 'skeleton-deny'; readonly reason: SkeletonDrop }
  /** At a pod's device: what it may not send, and what may not reach it. */
  | { readonly kind: 'guard' | 'egress-guard'; readonly device: string }
  | { readonly kind: 'deny' | 'dry-run-deny' | 'allow' | 'dry-run-allow'; readonly direction: Direction }
  | { readonly kind: 'allow-not-isolated'; readonly direction: Direction };
