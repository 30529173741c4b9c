/** The messages between the reading thread and the agent. */
import type { NflogReason } from './nflog-errors.js';
import type { GroupSettings } from './netlink-messages.js';
import type { ObservedBatch } from '../../model/observation.js';

export interface NflogWorkerData {
  readonly settings: GroupSettings;
  /** Two numbers, `stop` and `ask`: a thread that blocks cannot be sent messages. */
  readonly control: SharedArrayBuffer;
}
/** Indices of `control`. `stop`: 1 ends the thread. `ask`: a new number requests a `drained` message, sent when everything that was logged before is read. */
export const controlOf = { stop: 0, ask: 1 } as const;

export type NflogWorkerMessage =
  | { readonly kind: 'open' }
  | { readonly kind: 'batch'; readonly batch: ObservedBatch }
  | { readonly kind: 'drained'; readonly ask: number }
  | { readonly kind: 'failed'; readonly reason: NflogReason; readonly message: string };
