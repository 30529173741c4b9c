import type { PacketAccounting } from './packet-accounting.js';

interface LossDetectionParts {
  readonly accounting: PacketAccounting;
  /** Packets of every named counter. */
  readonly readCounters: () => Promise<ReadonlyMap<string, number>>;
  /** Whether everything that the kernel has logged so far was received. */
  readonly drained: () => Promise<boolean>;
  /** Milliseconds since the epoch, as the kernel's time stamps are. */
  readonly now: () => number;
}

/** Packets since a reading of the counters began: while it lasted, and after it. */
interface ReadingWindow {
  readonly start: number;
  end: number;
  during: number;
  after: number;
}

/** Compares the packets that were received with those that the kernel's counters say it logged. */
export class LossDetection {
  readonly #parts: LossDetectionParts;
  #received = 0;
  /** While the counters are read. */
  #window: ReadingWindow | undefined;
  #readings: Promise<unknown> = Promise.resolve();
  #lastCompared: number;

  /** @param since when the last comparison was made, in milliseconds since the epoch */
  constructor(parts: LossDetectionParts, since: number) {
    this.#parts = parts;
    this.#lastCompared = since;
  }

  /** Packets that were received or are known to be lost. */
  get received(): number {
    return this.#received;
  }

  /** @param time of the packets, in milliseconds since the epoch */
  addReceived(count: number, time: number): void {
    this.#received += count;
    if (this.#window === undefined || time < this.#window.start) return;
    if (time <= this.#window.end) this.#window.during += count;
    else this.#window.after += count;
  }

  /** Compares only what was logged before the reading, once all of that has been received. */
  async compare(): Promise<void> {
    const { accounting, drained, now } = this.#parts;
    const start = now();
    const window = { start, end: Infinity, during: 0, after: 0 };
    this.#window = window;
    try {
      const logged = await this.readCounters();
      // The clock's own millisecond belongs to the reading.
      window.end = now() + 1;
      const isRead = await drained();
      const before = this.#received - window.during - window.after;
      accounting.compare(logged, { before, during: window.during }, { start: this.#lastCompared, isRead });
      this.#lastCompared = window.end;
    } finally {
      this.#window = undefined;
    }
  }

  /** Reads the counters, one reading after the other: an older reading must not be taken for a newer one. */
  readCounters(): Promise<number> {
    const { accounting, readCounters, now } = this.#parts;
    const reading = this.#readings.then(async () => accounting.addReading(await readCounters(), now()));
    this.#readings = reading.catch(() => undefined);
    return reading;
  }
}
