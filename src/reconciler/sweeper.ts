import { isRefusal } from '../nftables/language/nftables.js';
import type { Clock } from './clock.js';
import type { PolicyTable } from './policy-table.js';
import { retryDelay } from './retry-delay.js';

interface SweeperParts {
  readonly clock: Clock;
  readonly table: Pick<PolicyTable, 'sweep' | 'sweepPending'>;
  /** @param attempt how often in a row */
  readonly onFailure: (error: unknown, attempt: number) => void;
}

/** Removes what turns have left over. What the kernel refuses to remove stays for a while: nobody's change waits for that. */
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
    return this.#failures > 0 && this.#parts.table.sweepPending;
  }

  /** Milliseconds until something can be removed; undefined when nothing is left over. */
  get pause(): number | undefined {
    const { table, clock } = this.#parts;
    return table.sweepPending ? Math.max(0, this.#retryAt - clock.now()) : undefined;
  }

  /** The kernel has changed: what failed may do better now. */
  retryNow(): void {
    this.#retryAt = 0;
  }

  /** One step, whether it is time for it or not. */
  async step(): Promise<void> {
    const { table, clock, onFailure } = this.#parts;
    if (!table.sweepPending) this.#failures = 0;
    try {
      await table.sweep();
      this.#failures = 0;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#failures += 1;
      this.#retryAt = clock.now() + retryDelay(this.#failures - 1);
      onFailure(error, this.#failures);
    }
  }
}
