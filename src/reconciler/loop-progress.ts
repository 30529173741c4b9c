import type { ReconcilerStatus } from './types.js';

/** What the loop has achieved so far, and how often it failed. */
export class LoopProgress {
  /** Some state of ours is in force. */
  inKernel = false;
  failures = 0;
  failuresInRow = 0;
  lastError: string | undefined;
  #repairs = 0;
  #revision = 0;
  #lastApplied: number | undefined;

  /** A new state is in force. @param time in milliseconds since the epoch @returns its revision */
  switched(time: number): number {
    this.inKernel = true;
    this.#revision += 1;
    this.#lastApplied = time;
    return this.#revision;
  }

  /** Another process had changed our tables. */
  repaired(): void {
    this.#repairs += 1;
  }

  succeeded(): void {
    this.failuresInRow = 0;
    this.lastError = undefined;
  }

  failed(message: string): void {
    this.failures += 1;
    this.failuresInRow += 1;
    this.lastError = message;
  }

  status(): Pick<ReconcilerStatus, 'revision' | 'repairs' | 'lastApplied' | 'lastError'> {
    return {
      revision: this.#revision,
      repairs: this.#repairs,
      ...(this.#lastApplied === undefined ? {} : { lastApplied: this.#lastApplied }),
      ...(this.lastError === undefined ? {} : { lastError: this.lastError }),
    };
  }
}
