/** The messages between the thread that reads the kernel's events and the agent. */
import type { Commit } from './commit-decoder.js';

export interface EventWorkerData {
  /** One number, not 0 once the thread should end: a thread that blocks cannot be sent messages. */
  readonly stop: SharedArrayBuffer;
}

/** `lost`: the kernel had more events than were read. */
export type EventWorkerMessage =
  | { readonly kind: 'open' }
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'commit'; readonly commit: Commit }
  | { readonly kind: 'lost' };
