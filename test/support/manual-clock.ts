import type { Clock } from '../../src/reconciler/clock.js';

/** Time stands still but for what a test lets pass. */
export class ManualClock implements Clock {
  #now = 0;
  #timers: { at: number; task: () => void }[] = [];
  now(): number {
    return this.#now;
  }
  worked(): number {
    return this.#now;
  }
  timestamp(): number {
    return Date.UTC(2026, 0, 1) + this.#now;
  }
  after(milliseconds: number, task: () => void): Disposable {
    const timer = { at: this.#now + milliseconds, task };
    this.#timers.push(timer);
    return { [Symbol.dispose]: () => (this.#timers = this.#timers.filter((one) => one !== timer)) };
  }
  advance(milliseconds: number): void {
    this.#now += milliseconds;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { task } of due) task();
  }
}
