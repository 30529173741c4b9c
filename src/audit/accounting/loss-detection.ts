import type { PacketAccounting } from './packet-accounting.js';

export interface LossDetectionParts {
  readonly accounts: PacketAccounting;
  /** Packets of every named counter. */
  readonly readCounters: () => Promise<ReadonlyMap<string, number>>;
  /** Whether all that the kernel has logged by now was received. */
  readonly drained: () => Promise<boolean>;
  /** Milliseconds since the epoch, as the kernel's time stamps are. */
  readonly now: () => number;
}

/** Packets that came by since a reading of the counters began: while it lasted, and after. */
interface Window {
  readonly start: number;
  end: number;
  during: number;
  after: number;
}

/** What was received, held against what the kernel's counters say that it logged. */
export class LossDetection {
  readonly #parts: LossDetectionParts;
  #received = 0;
  /** While the counters are read. */
  #window: Window | undefined;
  #readings: Promise<unknown> = Promise.resolve();
  #last: number;

  /** @param since when the last comparison was made, in milliseconds since the epoch */
  constructor(parts: LossDetectionParts, since: number) {
    this.#parts = parts;
    this.#last = since;
  }

  /** Packets, those among them that are known to be lost. */
  get received(): number {
    return this.#received;
  }

  /** @param time of the packets, in milliseconds since the epoch */
  noteReceived(count: number, time: number): void {
    this.#received += count;
    if (this.#window === undefined || time < this.#window.start) return;
    if (time <= this.#window.end) this.#window.during += count;
    else this.#window.after += count;
  }

  /** Compared only with what was logged before the reading, when all of that has been received. */
  async compare(): Promise<void> {
    const { accounts, drained, now } = this.#parts;
    const start = now();
    const window = { start, end: Infinity, during: 0, after: 0 };
    this.#window = window;
    try {
      const logged = await this.count();
      // The clock's own millisecond belongs to the reading.
      window.end = now() + 1;
      const isRead = await drained();
      const before = this.#received - window.during - window.after;
      accounts.compare(logged, { before, during: window.during }, { start: this.#last, isRead });
      this.#last = window.end;
    } finally {
      this.#window = undefined;
    }
  }

  /** Reads the counters, one reading after the other: an older one must not be taken for a newer. */
  count(): Promise<number> {
    const { accounts, readCounters, now } = this.#parts;
    const reading = this.#readings.then(async () => accounts.count(await readCounters(), now()));
    this.#readings = reading.catch(() => undefined);
    return reading;
  }
}
