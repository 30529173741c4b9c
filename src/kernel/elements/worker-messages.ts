/** The messages between the thread that writes and reads elements and reads counters, and the agent. */
import type { Element } from '../../nftables/language/command.js';
import type { SetForm, TableName } from '../../nftables/language/types.js';

export type WorkerRequest =
  | { readonly kind: 'write'; readonly id: number; readonly batch: Uint8Array }
  | { readonly kind: 'read counters'; readonly id: number; readonly table: TableName }
  | { readonly kind: 'read elements'; readonly id: number; readonly table: TableName; readonly form: SetForm }
  /** The next ones of the set that was asked for last. */
  | { readonly kind: 'read more'; readonly id: number };

/** Name and packets of each; undefined where they cannot be read. */
type ReadCounters = readonly (readonly [string, number])[] | undefined;

/**
 * `written`: the kernel has taken the batch. `refused`: it has not, and nothing changed; `errno` says why. `unknown`: it
 * gave no answer.
 */
export type WriteOutcome =
  | { readonly kind: 'written' }
  | { readonly kind: 'refused'; readonly errno: number }
  | { readonly kind: 'unknown'; readonly errno: number };

/**
 * `read`: these were all elements, as they were together. `interrupted`: something was committed in between, to this table
 * or another, so elements may be missing. `no set`: or no table. `unavailable`: the kernel does not answer, or with
 * elements that are not like ours, which nft should list.
 */
export type ElementsRead = 'read' | 'interrupted' | 'no set' | 'unavailable';

/** Some elements of a set, at most some thousand; with the last of them, or later, what they are worth. */
export interface ElementsPiece {
  readonly elements: readonly Element[];
  readonly end?: ElementsRead;
}

export type ElementWorkerMessage =
  | { readonly kind: 'open' }
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'outcome'; readonly id: number; readonly outcome: WriteOutcome }
  | { readonly kind: 'counters'; readonly id: number; readonly counters: ReadCounters }
  | { readonly kind: 'elements'; readonly id: number; readonly piece: ElementsPiece };
