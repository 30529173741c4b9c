import { cacheInUse } from '../nftables/render/cache.js';
import type { Ruleset } from '../nftables/language/types.js';
import type { Clock } from './clock.js';

/** Milliseconds. An empty verdict cache costs every flow of the node an evaluation: narrowing changes share one. */
const period = 1000;

/** Decides when the verdict cache is emptied, and when a change only makes it forget the addresses that it concerns. */
export class CacheRenewal implements Disposable {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #generation: number | undefined;
  #renewedAt = -Infinity;
  #distrusted = true;
  #isDue = false;
  #timer: Disposable | undefined;

  /** `onDue`: exceptions have been made for a whole period. */
  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** What a narrowing change does now. */
  get next(): 'emptied' | 'concerned' {
    return this.#distrusted || this.#isPeriodOver ? 'emptied' : 'concerned';
  }

  /** The cache should be emptied although nothing changes. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** What the kernel holds is not known for sure, or not how it came about: the next narrowing empties the cache. */
  distrust(): void {
    this.#distrusted = true;
  }

  /** It may hold what was never allowed: it is emptied although nothing changes. */
  suspect(): void {
    this.#distrusted = this.#isDue = true;
  }

  /** All that was planned is in the kernel, and `applied` says what it holds. */
  settled(applied: Ruleset): void {
    this.#distrusted = false;
    const state = cacheInUse(applied);
    if (state?.generation !== this.#generation) this.#renewedAt = this.#clock.now();
    this.#generation = state?.generation;
    this.#isDue = false;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (state?.excepting !== true) return;
    const rest = Math.max(0, this.#renewedAt + period - this.#clock.now());
    this.#timer = this.#clock.after(rest, () => {
      this.#isDue = true;
      this.#onDue();
    });
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  get #isPeriodOver(): boolean {
    return this.#clock.now() - this.#renewedAt >= period;
  }
}
