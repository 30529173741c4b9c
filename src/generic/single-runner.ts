/**
 * Runs one task at a time. A request during a run makes exactly one more run afterwards, however many there were: bursts
 * coalesce by themselves, and nothing runs in parallel with a transaction.
 */
export class SingleRunner {
  readonly #task: () => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #busySince: number | undefined;

  constructor(task: () => Promise<void>, onFailure: (error: unknown) => void) {
    this.#task = task;
    this.#onFailure = onFailure;
  }

  request(): void {
    if (this.#stopped) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    // A microtask of grace: changes that arrive in the same turn share one run.
    this.#running = Promise.resolve().then(() => this.#loop());
  }

  /** When the task that runs now began, by performance.now(); undefined while none does. */
  get busySince(): number | undefined {
    return this.#busySince;
  }

  /** Resolves when nothing runs and nothing waits. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Lets a run that has begun finish, and starts no other. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.idle();
  }

  async #loop(): Promise<void> {
    do {
      this.#again = false;
      this.#busySince = performance.now();
      try {
        await this.#task();
      } catch (error) {
        this.#onFailure(error);
      }
    } while (this.#mayRunAgain());
    this.#running = undefined;
    this.#busySince = undefined;
  }

  #mayRunAgain(): boolean {
    return this.#again && !this.#stopped;
  }
}
