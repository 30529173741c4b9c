/** Counts over time in a bounded number of buckets: their width grows with the time that they cover. */

/** The width that all histograms of one summary share; it doubles when they cover more than `most` buckets. */
export class TimeScale {
  readonly #most: number;
  #width: number;
  #first = Infinity;
  #last = -Infinity;

  /** @param width in milliseconds */
  constructor(width: number, most: number) {
    this.#width = width;
    this.#most = most;
  }

  /** In milliseconds. */
  get width(): number {
    return this.#width;
  }

  include(time: number): void {
    if (time < this.#first) this.#first = time;
    if (time > this.#last) this.#last = time;
    while (this.count > this.#most) this.#width *= 2;
  }

  indexOf(time: number): number {
    return Math.floor(time / this.#width);
  }

  get count(): number {
    return this.#last < this.#first ? 0 : this.indexOf(this.#last) - this.indexOf(this.#first) + 1;
  }

  /** Where each bucket begins. */
  get starts(): readonly number[] {
    const first = this.indexOf(this.#first);
    return Array.from({ length: this.count }, (_, index) => (first + index) * this.#width);
  }
}

export class Histogram {
  readonly #scale: TimeScale;
  #width: number;
  #counts = new Map<number, number>();
  /** The last bucket; successive records of a log mostly share one. */
  #index = NaN;
  #pending = 0;

  constructor(scale: TimeScale) {
    this.#scale = scale;
    this.#width = scale.width;
  }

  /** @param time that the scale includes, in milliseconds */
  add(time: number, count: number): void {
    if (this.#width !== this.#scale.width) this.#widen();
    const index = this.#scale.indexOf(time);
    if (index !== this.#index) {
      this.#flush();
      this.#index = index;
    }
    this.#pending += count;
  }

  /** One for each bucket of the scale. */
  get counts(): readonly number[] {
    this.#widen();
    return this.#scale.starts.map((start) => this.#counts.get(this.#scale.indexOf(start)) ?? 0);
  }

  #flush(): void {
    if (this.#pending > 0) this.#counts.set(this.#index, (this.#counts.get(this.#index) ?? 0) + this.#pending);
    this.#pending = 0;
  }

  #widen(): void {
    this.#flush();
    this.#index = NaN;
    const factor = this.#scale.width / this.#width;
    if (factor === 1) return;
    const wider = new Map<number, number>();
    for (const [index, count] of this.#counts) {
      const into = Math.floor(index / factor);
      wider.set(into, (wider.get(into) ?? 0) + count);
    }
    this.#counts = wider;
    this.#width = this.#scale.width;
  }
}
