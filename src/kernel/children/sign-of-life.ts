/**
 * Whether what reports events to the agent still does: a process that was stopped (SIGSTOP) looks like one that has nothing
 * to report. Where it has been quiet for long, something harmless is done that it must report.
 */

/** Milliseconds of quiet after which a sign is asked for, and the same for one that has just begun. */
const quietFor = 10_000;
const firstQuietFor = 1_000;
/** Milliseconds that a report may take; of one that has reported nothing yet, since it may read all rules first. */
const heardWithin = 2_000;
const firstHeardWithin = 10_000;

interface SignParts {
  /** Does what must be reported. @returns whether it was done; where it cannot be, nothing is expected */
  readonly make: () => Promise<boolean>;
  /** Nothing was reported: it has to begin anew. */
  readonly onSilent: () => void;
}

/** All times are of performance.now(). */
export class SignOfLife implements Disposable {
  readonly #parts: SignParts;
  #heardAt: number | undefined;
  #next: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  /** Counts what is watched; 0 while there is nothing. */
  #watched = 0;
  #begun = 0;

  constructor(parts: SignParts) {
    this.#parts = parts;
  }

  /** From now on it is watched. */
  begin(): void {
    this.end();
    this.#begun += 1;
    this.#watched = this.#begun;
    this.#heardAt = undefined;
    this.#makeAfter(firstQuietFor);
  }

  /** It reported something. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  /** What it must report has happened, and did not begin before `since`. */
  expect(since: number): void {
    if (this.#watched === 0 || this.#deadline !== undefined || this.#hasHeardSince(since)) return;
    const within = this.#heardAt === undefined ? firstHeardWithin : heardWithin;
    // Where this thread was busy for all the time, what was reported is read before the second.
    this.#deadline = setTimeout(() => setImmediate(() => this.#look(since)), within);
  }

  /** It ended, or is ended. */
  end(): void {
    this.#watched = 0;
    clearTimeout(this.#next);
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  [Symbol.dispose](): void {
    this.end();
  }

  #hasHeardSince(since: number): boolean {
    return this.#heardAt !== undefined && this.#heardAt >= since;
  }

  #look(since: number): void {
    if (this.#watched === 0 || this.#deadline === undefined) return;
    this.#deadline = undefined;
    if (this.#hasHeardSince(since)) return;
    this.end();
    this.#parts.onSilent();
  }

  #makeAfter(milliseconds: number): void {
    this.#next = setTimeout(() => void this.#make(), milliseconds);
  }

  async #make(): Promise<void> {
    const watched = this.#watched;
    const since = performance.now();
    const quiet = since - (this.#heardAt ?? -Infinity);
    if (quiet < quietFor) {
      this.#makeAfter(quietFor - quiet);
      return;
    }
    const isMade = await this.#parts.make();
    if (this.#watched !== watched) return;
    if (isMade) this.expect(since);
    this.#makeAfter(quietFor);
  }
}
