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

interface RateLimitedTaskOptions extends ReportParts {
  /** What is written, as the log names it. */
  readonly what: 'Event' | 'NodePolicyStatus';
  /** Milliseconds between the starts of two runs: at least, and at most while nothing fails. */
  readonly minInterval: number;
  readonly maxInterval: number;
  /** When it rejects, it runs again, with a delay that grows up to `maxInterval`. */
  readonly task: (signal: AbortSignal) => Promise<void>;
}

/** Runs a task soon after a change and regularly otherwise: one run at a time, and never more often than allowed. */
export class RateLimitedTask implements AsyncDisposable {
  readonly #options: RateLimitedTaskOptions;
  readonly #abort = new AbortController();
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
    // After a failure the back-off decides: changes are frequent, and the server may be overloaded.
    if (this.#running === undefined && this.#failuresInRow === 0) this.#schedule();
  }

  /** Aborts a run in flight. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    this.#timer?.[Symbol.dispose]();
    await this.#running;
  }

  #schedule(): void {
    if (this.#abort.signal.aborted) return;
    const { clock, minInterval, maxInterval } = this.#options;
    const wait =
      this.#failuresInRow > 0
        ? Math.min(maxInterval, Math.max(minInterval, retryDelay(this.#failuresInRow - 1)))
        : Math.max(0, this.#lastStart + (this.#changed ? minInterval : maxInterval) - clock.now());
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
      await task(this.#abort.signal);
      if (this.#failuresInRow > 0) log.info({}, `${what} is written again`);
      this.#failuresInRow = 0;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#failuresInRow += 1;
      this.#failed(error);
    }
    this.#running = undefined;
    this.#schedule();
  }

  /** Logs the first failure of a row only. */
  #failed(error: unknown): void {
    const { what, onFailure, log } = this.#options;
    onFailure();
    if (this.#failuresInRow === 1) log.warn({ error: messageOf(error) }, `${what} not written`);
  }
}

/** Writes one item after the other; a refused one does not hold back the rest. Rejects at the end with the first failure. */
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
