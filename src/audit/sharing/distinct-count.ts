/** How many different values there were, in bounded memory: exact for a few, within about 2 % for up to 100,000. */
import { hash } from 'node:crypto';

/** Values that are kept as they are. */
const mostExact = 64;
const bits = 1 << 15;

export class DistinctCount {
  #values: Set<string> | undefined = new Set();
  /** Linear counting (Whang et al. 1990): one bit for each hash. */
  #seen: Uint8Array | undefined;
  #ones = 0;

  add(value: string): void {
    if (this.#values === undefined) {
      this.#mark(value);
      return;
    }
    this.#values.add(value);
    if (this.#values.size <= mostExact) return;
    this.#seen = new Uint8Array(bits / 8);
    for (const one of this.#values) this.#mark(one);
    this.#values = undefined;
  }

  get count(): number {
    if (this.#values !== undefined) return this.#values.size;
    // With every bit set, as if one were not: a lower bound.
    const zeros = Math.max(bits - this.#ones, 1);
    return Math.round(bits * Math.log(bits / zeros));
  }

  #mark(value: string): void {
    const seen = this.#seen;
    if (seen === undefined) return;
    const place = hash('sha1', value, 'buffer').readUInt32LE() % bits;
    const [byte, bit] = [place >> 3, 1 << (place & 7)];
    const before = seen[byte] ?? 0;
    if ((before & bit) !== 0) return;
    seen[byte] = before | bit;
    this.#ones += 1;
  }
}
