import { LRUCache } from 'lru-cache';

interface Interval<V> {
  readonly value: V;
  readonly since: number;
}

interface Ended<V> extends Interval<V> {
  readonly until: number;
}

interface TimelineOptions {
  /** How long a previous value is kept, in milliseconds. */
  readonly kept: number;
  /** Keys whose previous values are kept; current values are always kept. */
  readonly pastKeys: number;
}

/** Previous values of one key; an address that changes its pod more often is reported as unknown. */
const longestPast = 16;

/** The value of a key at a time. Times are milliseconds since the epoch and never decrease. */
export class Timeline<K extends string, V> {
  readonly #now = new Map<K, Interval<V>>();
  readonly #past: LRUCache<K, readonly Ended<V>[]>;
  readonly #kept: number;

  constructor({ kept, pastKeys }: TimelineOptions) {
    this.#kept = kept;
    this.#past = new LRUCache({ max: pastKeys });
  }

  /**
   * Sets the value from `time` on; undefined ends it. A value that `isSame` calls unchanged replaces the current one in its
   * whole interval.
   */
  set(key: K, value: V | undefined, time: number, isSame: (a: V, b: V) => boolean = Object.is): void {
    const before = this.#now.get(key);
    if (before !== undefined && value !== undefined && isSame(before.value, value)) {
      this.#now.set(key, { value, since: before.since });
      return;
    }
    if (before !== undefined) {
      const recent = (this.#past.get(key) ?? []).filter(({ until }) => until > time - this.#kept);
      this.#past.set(key, [...recent, { ...before, until: time }].slice(-longestPast));
    }
    if (value === undefined) this.#now.delete(key);
    else this.#now.set(key, { value, since: time });
  }

  at(key: K, time: number): V | undefined {
    const now = this.#now.get(key);
    if (now !== undefined && now.since <= time) return now.value;
    return this.#past.get(key)?.find(({ since, until }) => since <= time && time < until)?.value;
  }

  /** The current value, or the last one that is still kept: for keys whose meaning never changes. */
  latest(key: K, time: number): V | undefined {
    const now = this.#now.get(key);
    if (now !== undefined) return now.value;
    const last = this.#past.get(key)?.at(-1);
    return last !== undefined && last.until > time - this.#kept ? last.value : undefined;
  }
}
