import type { Transaction } from './command.js';
import type { MutableRuleset } from './mutable-ruleset.js';
import type { Ruleset } from './types.js';

/** nft, as the reconciler uses it: one transaction at a time, and listings beside them. Errors are NftError. */
export interface Nftables {
  /** Changes nothing, and refuses what `apply` would. */
  check(transaction: Transaction, signal?: AbortSignal): Promise<void>;
  apply(transaction: Transaction, signal?: AbortSignal): Promise<void>;
  /** What the kernel holds of the table, the caller's to keep; undefined when there is no such table. */
  list(family: Ruleset['family'], table: string): Promise<MutableRuleset | undefined>;
  close(): Promise<void>;
}

/**
 * nft refused something in the transaction, which left no trace; failed, or was ended for the time it took (`timed-out`),
 * and its outcome is unknown; is missing, is not allowed, or the kernel cannot.
 */
export class NftError extends Error {
  readonly reason: 'refused' | 'timed-out' | 'missing' | 'too-old' | 'not-permitted' | 'no-kernel-support' | 'failed';

  constructor(reason: NftError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NftError';
    this.reason = reason;
  }
}
