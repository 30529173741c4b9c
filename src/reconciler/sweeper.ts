import { NftError } from '../nftables/language/nftables.js';
import type { Clock } from './clock.js';
import type { PolicyTable } from './policy-table.js';
import { retryDelay } from './retry-delay.js';

interface SweeperParts {
  readonly clock: Clock;
  readonly table: Pick<PolicyTable, 'sweep' | 'sweepPending' | 'renewCache' | 'isRenewalDue'>;
  /** @param attempt how often in a row */
  readonly onFailure: (error: unknown, attempt: number) => void;
}

/**
 * Removes what turns have left over, and renews the verdict cache. Where that fails it is tried again later: nobody's change
 * waits for it.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  /** In a row. */
  #failures = 0;
  /** After a failure: not before this time of the loop's clock. */
  #retryAt = 0;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  get isFailing(): boolean {
    return this.#failures > 0;
  }

  /** Milliseconds until there is something to do; undefined when there is not. */
  get pause(): number | undefined {
    const { table, clock } = this.#parts;
    return table.sweepPending || this.isFailing ? Math.max(0, this.#retryAt - clock.now()) : undefined;
  }

  /** The kernel has changed, or nft works again: what failed may do better now. */
  retryNow(): void {
    this.#retryAt = 0;
  }

  /** One step, whether it is time for it or not. */
  step(): Promise<void> {
    return this.#attempt(() => this.#parts.table.sweep());
  }

  /** Of the verdict cache, where that is due. */
  async renew(): Promise<void> {
    const { table } = this.#parts;
    if (table.isRenewalDue && (!this.isFailing || this.pause === 0)) await this.#attempt(() => table.renewCache());
  }

  async #attempt(task: () => Promise<void>): Promise<void> {
    const { clock, onFailure } = this.#parts;
    try {
      await task();
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof NftError)) throw error;
      this.#failures += 1;
      this.#retryAt = clock.now() + retryDelay(this.#failures - 1);
      onFailure(error, this.#failures);
    }
  }
}
