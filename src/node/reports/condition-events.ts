import type { ClusterEvent } from '../../cluster/types.js';
import { RateLimitedTask, writeEach, type ReportParts } from './rate-limited-task.js';

/** How Events are written. */
export interface EventWriterParts extends ReportParts {
  readonly write: (event: ClusterEvent, signal: AbortSignal) => Promise<void>;
}

export interface ConditionEventsParts extends EventWriterParts {
  /** All that stand now. */
  readonly conditions: () => readonly ClusterEvent[];
  /** Those that are found by looking at the whole cluster: asked for seldom. */
  readonly idlePolicies: () => readonly ClusterEvent[];
}

/** How long what may pass by itself has to stand before it is told, in milliseconds; all else is told at once. */
const patience: Readonly<Partial<Record<ClusterEvent['reason'], number>>> = {
  NotEnforced: 10_000,
  SelectsNoPod: 300_000,
};
/** The API server forgets events after an hour (--event-ttl): what still stands is told again before. */
const tellAgainAfter = 50 * 60_000;
/** How often the whole cluster is looked at, in milliseconds. */
const lookEvery = 150_000;
/** So many a run at most; the rest comes with the next. */
const mostPerRun = 20;

interface Standing {
  readonly since: number;
  readonly toldAt: number | undefined;
}

/** Tells the cluster's users of troubles that stand, one Event each. */
export class ConditionEvents implements AsyncDisposable {
  readonly #parts: ConditionEventsParts;
  readonly #pace: RateLimitedTask;
  #standing = new Map<string, Standing>();
  #idle: { readonly at: number; readonly events: readonly ClusterEvent[] } | undefined;

  constructor(parts: ConditionEventsParts) {
    this.#parts = parts;
    const task = (signal: AbortSignal): Promise<void> => this.#tell(signal);
    this.#pace = new RateLimitedTask({ ...parts, what: 'Event', least: 2_000, most: 30_000, task });
  }

  /** The agent's state may have changed. */
  changed(): void {
    this.#pace.changed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pace[Symbol.asyncDispose]();
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const { clock, write } = this.#parts;
    const now = clock.now();
    const { due, standing } = this.#stillStanding(now);
    this.#standing = standing;
    if (due.length > mostPerRun) this.#pace.changed();
    // One may be refused in a namespace that is going away.
    await writeEach(due.slice(0, mostPerRun), async ([key, event]) => {
      await write(event, signal);
      standing.set(key, { since: standing.get(key)?.since ?? now, toldAt: now });
    });
  }

  #stillStanding(now: number): {
    readonly due: readonly (readonly [key: string, event: ClusterEvent])[];
    readonly standing: Map<string, Standing>;
  } {
    if (this.#idle === undefined || now - this.#idle.at >= lookEvery)
      this.#idle = { at: now, events: this.#parts.idlePolicies() };
    const troubles = new Map(
      [...this.#parts.conditions(), ...this.#idle.events].map((event) => [JSON.stringify(event), event]),
    );
    const standing = new Map<string, Standing>();
    for (const key of troubles.keys()) standing.set(key, this.#standing.get(key) ?? { since: now, toldAt: undefined });
    const isDue = ([key, { reason }]: readonly [string, ClusterEvent]): boolean => {
      const { since = now, toldAt = -Infinity } = standing.get(key) ?? {};
      return now - since >= (patience[reason] ?? 0) && now - toldAt >= tellAgainAfter;
    };
    return { due: [...troubles].filter(isDue), standing };
  }
}
