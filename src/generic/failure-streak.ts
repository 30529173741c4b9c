import { messageOf } from './message-of.js';

interface StreakLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Logs what fails again and again: the first failure, then each doubling of their count, then that it is over. */
export class FailureStreak {
  readonly #log: StreakLog;
  readonly #messages: { readonly failed: string; readonly over: string };
  #count = 0;

  constructor(log: StreakLog, messages: { readonly failed: string; readonly over: string }) {
    this.#log = log;
    this.#messages = messages;
  }

  failed(error: unknown): void {
    this.#count += 1;
    const isDoubled = (this.#count & (this.#count - 1)) === 0;
    if (isDoubled) this.#log.warn({ error: messageOf(error), failures: this.#count }, this.#messages.failed);
  }

  succeeded(): void {
    if (this.#count > 0) this.#log.info({ failures: this.#count }, this.#messages.over);
    this.#count = 0;
  }
}
