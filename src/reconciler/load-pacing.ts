import type { Clock } from './clock.js';

/** The largest part of the time that the loop works for a stream of changes that never ends. */
const maxLoad = 1 / 3;
/** Milliseconds of work without a pause after an idle time: single events wait for nothing. */
const burst = 10;
/** No change waits longer than this for others, in milliseconds. */
const maxPause = 10;

/**
 * Paces the loop under a stream of changes. A transaction costs nft and the kernel the same whether it carries one change or
 * fifty, so the loop pauses and then takes all changes that have arrived meanwhile.
 */
export class LoadPacing {
  readonly #clock: Clock;
  /** Milliseconds of work that no pause has made up for yet, as of `#asOf`. */
  #debt = 0;
  #asOf: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#asOf = clock.now();
  }

  /** Work that began at `start` ends now. */
  addWork(start: number): void {
    this.#reduceDebt();
    this.#debt = Math.min(this.#debt + this.#clock.now() - start, burst + maxPause * maxLoad);
  }

  /** Milliseconds to wait before the next work. */
  pause(): number {
    this.#reduceDebt();
    return Math.max(0, (this.#debt - burst) / maxLoad);
  }

  /** All work has been made up for. */
  get isIdle(): boolean {
    this.#reduceDebt();
    return this.#debt === 0;
  }

  #reduceDebt(): void {
    const now = this.#clock.now();
    this.#debt = Math.max(0, this.#debt - (now - this.#asOf) * maxLoad);
    this.#asOf = now;
  }
}
