/** The messages between the thread that writes elements and reads counters, and the agent. */
import type { TableName } from '../../nftables/language/types.js';

export type WorkerRequest =
  | { readonly kind: 'write'; readonly id: number; readonly batch: Uint8Array }
  | { readonly kind: 'read counters'; readonly id: number; readonly table: TableName };

/** Name and packets of each; undefined where they cannot be read. */
export type ReadCounters = readonly (readonly [string, number])[] | undefined;

/**
 * `written`: the kernel has taken the batch. `refused`: it has not, and nothing changed; `errno` says why. `unknown`: it
 * gave no answer.
 */
export type WriteOutcome =
  | { readonly kind: 'written' }
  | { readonly kind: 'refused'; readonly errno: number }
  | { readonly kind: 'unknown'; readonly errno: number };

export type ElementWorkerMessage =
  | { readonly kind: 'open' }
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'outcome'; readonly id: number; readonly outcome: WriteOutcome }
  | { readonly kind: 'counters'; readonly id: number; readonly counters: ReadCounters };
