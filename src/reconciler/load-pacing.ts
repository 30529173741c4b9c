import type { Clock } from './clock.js';

/** The largest part of the time that the loop works while changes never end. */
const maxLoad = 1 / 3;
/** Milliseconds of work without a pause after an idle time: single events wait for nothing. */
const burst = 10;
/** No change waits longer than this for others, in milliseconds. */
const maxPause = 10;

/**
 * Paces the loop under a stream of changes. A transaction costs nft and the kernel the same whether it carries one change or
 * fifty, so the loop pauses and then takes all changes that have arrived meanwhile.
 */
export class LoadPacing implements Disposable {
  readonly #clock: Clock;
  /** Milliseconds of work that no pause has made up for yet, as of `#asOf`. */
  #debt = 0;
  #asOf: number;
  #endPause: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#asOf = clock.now();
  }

  /** Runs the task after the pause that is due. */
  async run(task: () => Promise<void>): Promise<void> {
    await this.#pause();
    const start = this.#clock.now();
    try {
      await task();
    } finally {
      this.addWork(start);
    }
  }

  /** Ends the current pause. */
  [Symbol.dispose](): void {
    this.#endPause?.();
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

  async #pause(): Promise<void> {
    const milliseconds = this.pause();
    if (milliseconds === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(milliseconds, resolve);
      this.#endPause = () => {
        timer[Symbol.dispose]();
        resolve();
      };
    });
    this.#endPause = undefined;
  }

  #reduceDebt(): void {
    const now = this.#clock.now();
    this.#debt = Math.max(0, this.#debt - (now - this.#asOf) * maxLoad);
    this.#asOf = now;
  }
}
