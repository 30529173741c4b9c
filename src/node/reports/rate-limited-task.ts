import { messageOf } from '../../generic/message-of.js';
import type { Clock } from '../../reconciler/clock.js';
import { retryDelay } from '../../reconciler/retry-delay.js';
import type { ReconcilerLog } from '../../reconciler/types.js';

/** What every report is given. */
export interface ReportParts {
  /** A write failed. */
  readonly onFailure: () => void;
  readonly clock: Clock;
  readonly log: ReconcilerLog;
}

export interface RateLimitedTaskOptions extends ReportParts {
  /** What is written, as the log names it. */
  readonly what: 'Event' | 'NodePolicyStatus';
  /** Milliseconds between two runs at least, and at most while nothing fails. */
  readonly least: number;
  readonly most: number;
  /** Rejects when the world fails: it is run again, later each time, until `most`. */
  readonly task: (signal: AbortSignal) => Promise<void>;
}

/** Runs a task soon after something changed and regularly otherwise, one run at a time and never too often. */
export class RateLimitedTask implements AsyncDisposable {
  readonly #options: RateLimitedTaskOptions;
  readonly #ending = new AbortController();
  #timer: Disposable | undefined;
  #running: Promise<void> | undefined;
  #lastStart = -Infinity;
  #changed = false;
  #failuresInRow = 0;

  constructor(options: RateLimitedTaskOptions) {
    this.#options = options;
  }

  changed(): void {
    this.#changed = true;
    // After a failure the back-off decides: changes come often, and the server may be the one that suffers.
    if (this.#running === undefined && this.#failuresInRow === 0) this.#schedule();
  }

  /** Breaks off a run in flight. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#timer?.[Symbol.dispose]();
    await this.#running;
  }

  #schedule(): void {
    if (this.#ending.signal.aborted) return;
    const { clock, least, most } = this.#options;
    const wait =
      this.#failuresInRow > 0
        ? Math.min(most, Math.max(least, retryDelay(this.#failuresInRow - 1)))
        : Math.max(0, this.#lastStart + (this.#changed ? least : most) - clock.now());
    this.#timer?.[Symbol.dispose]();
    this.#timer = clock.after(wait, () => {
      this.#running = this.#run();
    });
  }

  async #run(): Promise<void> {
    const { clock, task, log, what } = this.#options;
    this.#lastStart = clock.now();
    this.#changed = false;
    try {
      await task(this.#ending.signal);
      if (this.#failuresInRow > 0) log.info({}, `${what}: no failure any more`);
      this.#failuresInRow = 0;
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      this.#failuresInRow += 1;
      this.#noteFailure(error);
    }
    this.#running = undefined;
    this.#schedule();
  }

  /** Told once while it lasts. */
  #noteFailure(error: unknown): void {
    const { what, onFailure, log } = this.#options;
    onFailure();
    if (this.#failuresInRow === 1) log.warn({ error: messageOf(error) }, `${what} not written`);
  }
}

/** Writes one after the other; one that is refused keeps back no other. Rejects with the first failure at the end. */
export async function writeEach<T>(items: Iterable<T>, write: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items)
    try {
      await write(item);
    } catch (error) {
      failures.push(error);
    }
  if (failures.length > 0) throw failures[0];
}
