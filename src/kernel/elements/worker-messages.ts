/** The messages between the thread that writes elements and the agent. */

export interface WriteRequest {
  readonly id: number;
  readonly batch: Uint8Array;
}

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
  | { readonly kind: 'answer'; readonly id: number; readonly outcome: WriteOutcome };
