import type { PolicyMode } from '../model/policy-mode.js';
import type { Direction, PolicyRef } from '../model/policy.js';

/** What was decided about a packet in one direction of one pod, where the log reports it. */
export interface Decision {
  readonly direction: Direction;
  readonly verdict: 'allow' | 'deny';
  /** `dry-run`: what the policies in it would have decided; the opposite happened to the packet. */
  readonly mode: PolicyMode;
  /** Every policy that isolates the pod of this direction, or in a dry run would; unknown where only the rule is known. */
  readonly isolating?: readonly PolicyRef[];
  /** The rule that allows, by its index in the policy's direction. */
  readonly rule?: { readonly policy: PolicyRef; readonly index: number };
}

/** A chain that logs packets, and what was decided about them. */
export type NamedDecision = readonly [chain: string, decision: Decision];
