import { LRUCache } from 'lru-cache';

interface Interval<V> {
  readonly value: V;
  readonly since: number;
}

interface Ended<V> extends Interval<V> {
  readonly until: number;
}

export interface TimelineOptions {
  /** How long what has ended can still be asked for, in milliseconds. */
  readonly kept: number;
  /** Keys whose past is kept; what holds now is never given up. */
  readonly pastKeys: number;
}

/** Of one key's past; an address that changes hands faster is told as unknown. */
const longestPast = 16;

/** What was true of a key at a time. Times are milliseconds since the epoch, and do not run backwards. */
export class Timeline<K extends string, V> {
  readonly #now = new Map<K, Interval<V>>();
  readonly #past: LRUCache<K, readonly Ended<V>[]>;
  readonly #kept: number;

  constructor({ kept, pastKeys }: TimelineOptions) {
    this.#kept = kept;
    this.#past = new LRUCache({ max: pastKeys });
  }

  /** From `time` on; `value` undefined ends it. What `isSame` calls no change goes on with the new value. */
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

  /** What holds, or held last and not longer ago than is kept: of keys that mean the same whenever they are there. */
  latest(key: K, time: number): V | undefined {
    const now = this.#now.get(key);
    if (now !== undefined) return now.value;
    const last = this.#past.get(key)?.at(-1);
    return last !== undefined && last.until > time - this.#kept ? last.value : undefined;
  }
}
