import type { ClusterEvent } from '../../cluster/types.js';
import type { Clock } from '../../reconciler/clock.js';
import type { ReconcilerLog } from '../../reconciler/types.js';
import { Pace } from './pace.js';

export interface EventReportParts {
  /** All that stand now. */
  readonly troubles: () => readonly ClusterEvent[];
  /** Those that are found by looking at the whole cluster: asked for seldom. */
  readonly idle: () => readonly ClusterEvent[];
  readonly write: (event: ClusterEvent, signal: AbortSignal) => Promise<void>;
  readonly onFailure: () => void;
  readonly clock: Clock;
  readonly log: ReconcilerLog;
}

/** How long what may pass by itself has to stand before it is told, in milliseconds. */
const patience: Readonly<Record<ClusterEvent['reason'], number>> = {
  FailsClosed: 0,
  NotEnforced: 10_000,
  SelectsNoPod: 300_000,
  NetworkPolicyDenied: 0,
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
export class EventReport implements AsyncDisposable {
  readonly #parts: EventReportParts;
  readonly #pace: Pace;
  #standing = new Map<string, Standing>();
  #idle: { readonly at: number; readonly events: readonly ClusterEvent[] } | undefined;
  #failed = false;

  constructor(parts: EventReportParts) {
    this.#parts = parts;
    this.#pace = new Pace({
      clock: parts.clock,
      least: 2_000,
      most: 30_000,
      task: (signal) => this.#tell(signal),
      onFailure: (error) => this.#noteFailure(error),
    });
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
    const failures: unknown[] = [];
    for (const [key, event] of due.slice(0, mostPerRun))
      try {
        await write(event, signal);
        standing.set(key, { since: standing.get(key)?.since ?? now, toldAt: now });
      } catch (error) {
        // One that is refused, in a namespace that is going away, must not keep back the others.
        failures.push(error);
      }
    this.#standing = standing;
    if (due.length > mostPerRun) this.#pace.changed();
    if (failures.length > 0) throw failures[0];
    this.#failed = false;
  }

  #stillStanding(now: number): {
    readonly due: readonly (readonly [key: string, event: ClusterEvent])[];
    readonly standing: Map<string, Standing>;
  } {
    if (this.#idle === undefined || now - this.#idle.at >= lookEvery)
      this.#idle = { at: now, events: this.#parts.idle() };
    const troubles = new Map(
      [...this.#parts.troubles(), ...this.#idle.events].map((event) => [JSON.stringify(event), event]),
    );
    const standing = new Map<string, Standing>();
    for (const key of troubles.keys()) standing.set(key, this.#standing.get(key) ?? { since: now, toldAt: undefined });
    const isDue = ([key, { reason }]: readonly [string, ClusterEvent]): boolean => {
      const { since = now, toldAt = -Infinity } = standing.get(key) ?? {};
      return now - since >= patience[reason] && now - toldAt >= tellAgainAfter;
    };
    return { due: [...troubles].filter(isDue), standing };
  }

  #noteFailure(error: unknown): void {
    this.#parts.onFailure();
    if (!this.#failed)
      this.#parts.log.warn({ error: error instanceof Error ? error.message : String(error) }, 'Event not written');
    this.#failed = true;
  }
}
