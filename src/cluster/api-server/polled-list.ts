/**
 * Follows one kind of object by lists alone, in pages:
 *
 *   list --everything--> pause of ten minutes, less when somebody misses one --> list again
 *
 * A watch of 15,000 Nodes would bring each agent an event every few milliseconds, of which it needs none.
 */
import { ApiError } from './api-errors.js';
import type { ApiKind, ReadObject } from './api-kinds.js';
import type { ApiConnection } from './connection.js';
import { describeFailure, Failures, pause, type RetryTimes } from './failures.js';
import { listPages } from './list-pages.js';

/** Milliseconds. */
export interface PollTimes {
  /** Up to a tenth less, so that a thousand agents do not list at once. */
  readonly every: number;
  /** Not sooner than so long after a list, however much is missed. */
  readonly soonest: number;
}

export const defaultPollTimes: PollTimes = { every: 600_000, soonest: 60_000 };

interface PollEvents {
  /** Everything there is. @returns whether anything has changed */
  readonly onList: (objects: readonly ReadObject[]) => boolean;
  readonly onContact: () => void;
  /** A list failed; it is tried again. */
  readonly onInterruption: (message: string) => void;
}

export class PolledList {
  readonly #connection: ApiConnection;
  readonly #kind: ApiKind;
  readonly #events: PollEvents;
  readonly #times: PollTimes;
  readonly #failures: Failures;
  /** Aborted when an object is missed that the last list did not bring. */
  #missed = new AbortController();
  /** Lists in a row that were asked for, and in which nothing had changed: what is missed is no such object. */
  #vain = 0;

  constructor(connection: ApiConnection, kind: ApiKind, events: PollEvents, times: PollTimes & RetryTimes) {
    this.#connection = connection;
    this.#kind = kind;
    this.#events = events;
    this.#times = times;
    this.#failures = new Failures({ ...times, longestRetry: times.soonest });
  }

  /** One is not known that may be there: asks again, `soonest` after the last list, and ever more rarely while that is in vain. */
  missed(): void {
    this.#missed.abort();
  }

  /** Lists until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      const wasMissed = this.#missed.signal.aborted;
      // What is missed while the list goes on may have been on a page before.
      this.#missed = new AbortController();
      try {
        const objects = await this.#list(signal);
        this.#events.onContact();
        const hasChanged = this.#events.onList(objects);
        this.#vain = wasMissed && !hasChanged ? this.#vain + 1 : 0;
        await this.#untilDue(signal);
      } catch (error) {
        if (isOver()) return;
        this.#failures.add();
        // The pages' snapshot has expired: begin again.
        if (!(error instanceof ApiError && error.status === 410))
          this.#events.onInterruption(describeFailure(error, this.#kind));
        await this.#failures.backOff(signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<readonly ReadObject[]> {
    const listed: ReadObject[] = [];
    for await (const { items = [] } of listPages(this.#connection, this.#kind, signal))
      for (const item of items) listed.push(this.#kind.read(item));
    return listed;
  }

  async #untilDue(signal: AbortSignal): Promise<void> {
    const { every, soonest } = this.#times;
    const latest = every * (1 - Math.random() / 10);
    const least = Math.min(soonest * 2 ** this.#vain, latest);
    await pause(least, signal);
    await pause(latest - least, AbortSignal.any([signal, this.#missed.signal]));
  }
}
