import type { Clock } from './clock.js';

/** Of the time, the part that may be work when changes never end. */
const share = 1 / 3;
/** Work that is done without a pause when there was none before, in milliseconds: one event, or a few, wait for nothing. */
const free = 10;
/** No change waits longer than this for others, in milliseconds. */
const longestPause = 10;

/**
 * Paces work that has no end: each transaction costs nft and the kernel the same, whether it carries one change or fifty,
 * so under a stream of changes the loop pauses and takes together what came meanwhile.
 */
export class LoadPacing implements Disposable {
  readonly #clock: Clock;
  /** Work that was done and not yet rested from, at the time `#asOf`; milliseconds. */
  #debt = 0;
  #asOf: number;
  #endRest: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#asOf = clock.now();
  }

  /** Does the work, after the pause that is due. */
  async take(work: () => Promise<void>): Promise<void> {
    await this.#rest();
    const began = this.#clock.now();
    try {
      await work();
    } finally {
      this.worked(began);
    }
  }

  /** Ends the pause that goes on now. */
  [Symbol.dispose](): void {
    this.#endRest?.();
  }

  /** Work that began at this time has ended. */
  worked(began: number): void {
    this.#forgive();
    this.#debt = Math.min(this.#debt + this.#clock.now() - began, free + longestPause * share);
  }

  /** Milliseconds to wait before the next work. */
  pause(): number {
    this.#forgive();
    return Math.max(0, (this.#debt - free) / share);
  }

  async #rest(): Promise<void> {
    const milliseconds = this.pause();
    if (milliseconds === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(milliseconds, resolve);
      this.#endRest = () => {
        timer[Symbol.dispose]();
        resolve();
      };
    });
    this.#endRest = undefined;
  }

  #forgive(): void {
    const now = this.#clock.now();
    this.#debt = Math.max(0, this.#debt - (now - this.#asOf) * share);
    this.#asOf = now;
  }
}
