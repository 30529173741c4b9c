/** Packets that the lines of the log's present file account for: they are lost when that file is removed. */
import type { CountedPackets } from './losses.js';

export class PacketsInFile {
  readonly #sums = new Map<string, CountedPackets>();

  add({ direction, isReport, count, start, end }: CountedPackets): void {
    const key = `${direction ?? ''} ${isReport ?? false}`;
    const before = this.#sums.get(key) ?? { count: 0, start, end };
    this.#sums.set(key, {
      ...(direction === undefined ? {} : { direction }),
      ...(isReport === undefined ? {} : { isReport }),
      count: before.count + count,
      start: Math.min(before.start, start),
      end: Math.max(before.end, end),
    });
  }

  /** The sums by direction and verdict. From now on only the next file's lines are counted. */
  take(): readonly CountedPackets[] {
    const sums = [...this.#sums.values()];
    this.#sums.clear();
    return sums;
  }
}
