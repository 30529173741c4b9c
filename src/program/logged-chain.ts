/** What a log prefix means: nftables/ writes and reads it, audit/ makes a record of it and need not know chain names. */
import type { Direction } from '../model/policy.js';
import type { SkeletonDrop } from './drop-reasons.js';

export type LoggedChain =
  | { readonly kind: 'skeleton-deny'; readonly reason: SkeletonDrop }
  /** At a pod's device: what it may not send, and what may not reach it. */
  | { readonly kind: 'guard' | 'egress-guard'; readonly device: string }
  | { readonly kind: 'deny' | 'dry-run-deny' | 'allow' | 'dry-run-allow'; readonly direction: Direction }
  | { readonly kind: 'allow-not-isolated'; readonly direction: Direction };

/** The packet's direction in its flow. `reply`: its source is the flow's destination; `packet`: the direction is not known. */
export type Orientation = 'original' | 'reply' | 'packet';

/** What the prefix of a log rule says. */
export interface LogPrefix {
  readonly chain: string;
  /** Undefined for a chain that no release of the agent is known to have. */
  readonly meaning: LoggedChain | undefined;
  readonly orientation: Orientation;
}
