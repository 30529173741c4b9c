import type { Transaction } from './command.js';
import type { MutableRuleset } from './mutable-ruleset.js';
import type { Ruleset, TableName } from './types.js';

/** nft, as the reconciler uses it: one transaction at a time, and listings beside them. Errors are NftError. */
export interface Nftables {
  /** Changes nothing, and refuses what `apply` would. */
  check(transaction: Transaction, signal?: AbortSignal): Promise<void>;
  apply(transaction: Transaction, signal?: AbortSignal): Promise<void>;
  /**
   * What the kernel holds of the table, the caller's to keep; undefined when there is no such table.
   * @param known what it may hold: where a set holds just that, its elements are the same map
   */
  list(table: TableName, known?: Ruleset): Promise<MutableRuleset | undefined>;
  /** The devices that the base chains of a table are hooked on, by chain, joined by `, `; what is not known is left out. */
  hookDevices(table: TableName): Promise<ReadonlyMap<string, string>>;
  close(): Promise<void>;
}

/**
 * What was asked for left no trace: something in it was `refused`, or something that it needs is `in-use`, which may pass.
 * nft `failed`, or was ended for the time it took (`timed-out`), and the outcome is unknown. Or nft is missing, is not
 * allowed, or the kernel cannot.
 */
export class NftError extends Error {
  readonly reason:
    'refused' | 'in-use' | 'timed-out' | 'missing' | 'too-old' | 'not-permitted' | 'no-kernel-support' | 'failed';

  constructor(reason: NftError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NftError';
    this.reason = reason;
  }
}

/** The transaction left no trace. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof NftError && (error.reason === 'refused' || error.reason === 'in-use');

/** Something in the transaction is not as it may be: whoever wrote it may be at fault. */
export const isBlame = (error: unknown): boolean => error instanceof NftError && error.reason === 'refused';
