/** What following one kind makes of failures: what is said of them, and how long it waits after each. */
import { messageOf } from '../../generic/message-of.js';
import { ApiError } from './api-errors.js';
import type { ApiKind } from './api-kinds.js';

export interface RetryTimes {
  readonly firstRetry: number;
  readonly longestRetry: number;
  /** After so many milliseconds without a failure earlier ones are forgotten: the next pause is the first one again. */
  readonly healthy: number;
}

export class Failures {
  readonly #times: RetryTimes;
  /** Without a healthy time between. */
  #count = 0;
  /** By performance.now(). */
  #last = -Infinity;

  constructor(times: RetryTimes) {
    this.#times = times;
  }

  add(): void {
    const now = performance.now();
    if (now - this.#last >= this.#times.healthy) this.#count = 0;
    this.#last = now;
    this.#count += 1;
  }

  /** After an expired version too: a server that starts anew is not to be listed by a thousand agents at once. */
  async backOff(signal: AbortSignal): Promise<void> {
    const { firstRetry, longestRetry } = this.#times;
    const longest = Math.min(firstRetry * 2 ** Math.max(this.#count - 1, 0), longestRetry);
    await pause(longest / 2 + (Math.random() * longest) / 2, signal);
  }
}

export function describeFailure(error: unknown, { name, group, by }: ApiKind): string {
  const message = messageOf(error);
  if (!(error instanceof ApiError)) return `${name}: ${message}`;
  if (error.status === 403) {
    const [verbs, are] = by === 'lists' ? ['list', 'is'] : ['list and watch', 'are'];
    return `${verbs} of ${name}${group === '' ? '' : ` in ${group}`} ${are} forbidden (RBAC): ${message}`;
  }
  if (error.status === 401) return `the API server does not accept our credentials for ${name}: ${message}`;
  return `${name}: the API server answered ${error.status}: ${message}`;
}

/** Resolves after so many milliseconds, or when the signal says so. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
  });
}
