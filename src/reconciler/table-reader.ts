import { messageOf } from '../generic/message-of.js';
import type { Clock } from './clock.js';
import type { PolicyTable, ReadBack } from './policy-table.js';
import { retryDelay } from './retry-delay.js';
import type { ReconcilerLog } from './types.js';

/** Milliseconds between two readings: in proportion to what one takes, so that others who change much cost no whole core. */
const pauseOf = (took: number): number => Math.min(2 * took, 500);

interface TableReaderParts {
  readonly table: Pick<PolicyTable, 'read'>;
  readonly clock: Clock;
  readonly log: ReconcilerLog;
  readonly onFailure: (error: unknown) => void;
  /** A reading has ended, well or not. */
  readonly onEnd: () => void;
}

/** Reads the table back when it is asked to, one reading at a time, beside everything else: no change waits for it. */
export class TableReader implements Disposable {
  readonly #parts: TableReaderParts;
  /** Why it is to be read once more, in the words of a log line. */
  #reason: string | undefined;
  #arrived: { readonly why: string; readonly compare: () => ReadBack } | undefined;
  #isReading = false;
  #isDisposed = false;
  /** In a row. */
  #failures = 0;
  #failuresEver = 0;
  #lastError: string | undefined;
  #notBefore = 0;
  #since: number | undefined;
  #timer: Disposable | undefined;

  constructor(parts: TableReaderParts) {
    this.#parts = parts;
  }

  /** Of all time. */
  get failures(): number {
    return this.#failuresEver;
  }

  /** Why the last reading failed; undefined when it did not. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Milliseconds since a reading was asked for that has not been had; undefined when there is none. */
  get waitingFor(): number | undefined {
    return this.#since === undefined ? undefined : this.#parts.clock.now() - this.#since;
  }

  /** @param why who may have changed the table */
  request(why: string): void {
    this.#reason ??= why;
    this.#since ??= this.#parts.clock.now();
    this.#startWhenDue();
  }

  /** nft may do better now. */
  retryNow(): void {
    this.#notBefore = 0;
    this.#startWhenDue();
  }

  /** What was found, once; only between two transactions. */
  take(): (ReadBack & { readonly why: string }) | undefined {
    const arrived = this.#arrived;
    if (arrived === undefined) return undefined;
    this.#arrived = undefined;
    const found = { ...arrived.compare(), why: arrived.why };
    if (!found.isWhole) this.#reason ??= arrived.why;
    this.#since = this.#reason === undefined ? undefined : (this.#since ?? this.#parts.clock.now());
    this.#startWhenDue();
    return found.isVoid ? undefined : found;
  }

  /** All that was asked for is known without a reading. */
  forget(): void {
    [this.#reason, this.#since, this.#arrived] = [undefined, undefined, undefined];
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#timer?.[Symbol.dispose]();
  }

  #startWhenDue(): void {
    if (this.#reason === undefined || this.#isReading || this.#arrived !== undefined || this.#isDisposed) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const wait = this.#notBefore - this.#parts.clock.now();
    if (wait > 0) this.#timer = this.#parts.clock.after(wait, () => this.#startWhenDue());
    else void this.#read(this.#reason);
  }

  async #read(why: string): Promise<void> {
    const { table, clock, log, onFailure, onEnd } = this.#parts;
    this.#reason = undefined;
    this.#isReading = true;
    const began = clock.now();
    try {
      this.#arrived = { why, compare: await table.read() };
      this.#failures = 0;
      this.#lastError = undefined;
      this.#notBefore = clock.now() + pauseOf(clock.now() - began);
    } catch (error) {
      this.#failures += 1;
      this.#failuresEver += 1;
      this.#lastError = messageOf(error);
      log.warn({ error: this.#lastError, attempt: this.#failures }, 'cannot read the rules back; changes go on');
      this.#notBefore = clock.now() + retryDelay(this.#failures - 1);
      this.#reason ??= why;
      onFailure(error);
    }
    this.#isReading = false;
    this.#startWhenDue();
    if (!this.#isDisposed) onEnd();
  }
}
