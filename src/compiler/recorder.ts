/** Remembers each value as it was before the step first changed it, so that the step's net change can be computed. */
export class Before<K, V> {
  readonly #before = new Map<K, V | undefined>();

  touch(key: K, value: V | undefined): void {
    if (!this.#before.has(key)) this.#before.set(key, value);
  }

  /** Every key touched, with what it was; in the order of touching. */
  entries(): Iterable<[K, V | undefined]> {
    return this.#before.entries();
  }
}

/** Members that joined and left in one step; one that did both is neither. */
export class Delta<T> {
  readonly added = new Set<T>();
  readonly removed = new Set<T>();

  add(member: T): void {
    if (this.removed.size === 0 || !this.removed.delete(member)) this.added.add(member);
  }

  remove(member: T): void {
    if (this.added.size === 0 || !this.added.delete(member)) this.removed.add(member);
  }

  get isEmpty(): boolean {
    return this.added.size === 0 && this.removed.size === 0;
  }
}
