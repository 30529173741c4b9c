import type { ClusterEvent } from '../../cluster/types.js';
import { RateLimitedTask, writeEach, type ReportParts } from './rate-limited-task.js';

/** How Events are written. */
export interface EventWriterParts extends ReportParts {
  readonly write: (event: ClusterEvent, signal: AbortSignal) => Promise<void>;
}

interface ConditionEventsParts extends EventWriterParts {
  /** All conditions that hold now. */
  readonly conditions: () => readonly ClusterEvent[];
  /** Policies without effect: finding them takes a look at the whole cluster, so this is called seldom. */
  readonly idlePolicies: () => readonly ClusterEvent[];
}

/** How long a condition that may pass must hold before its Event is written, in milliseconds; all others are written at once. */
const minDuration: Readonly<Partial<Record<ClusterEvent['reason'], number>>> = {
  NotEnforced: 10_000,
  SelectsNoPod: 300_000,
};
/** Milliseconds. The API server deletes Events after an hour (--event-ttl): a lasting condition is written again before. */
const repeatAfter = 50 * 60_000;
/** How often idle policies are searched, in milliseconds. */
const idlePoliciesEvery = 150_000;
/** Events in one run; the rest comes with the next run. */
const mostPerRun = 20;

interface Condition {
  /** When it was seen first, and when its Event was written last; milliseconds of the clock. */
  readonly since: number;
  readonly writtenAt: number | undefined;
}

/** Writes one Event for each condition that holds, for the cluster's users. */
export class ConditionEvents implements AsyncDisposable {
  readonly #parts: ConditionEventsParts;
  readonly #task: RateLimitedTask;
  #conditions = new Map<string, Condition>();
  #idlePolicies: { readonly at: number; readonly events: readonly ClusterEvent[] } | undefined;

  constructor(parts: ConditionEventsParts) {
    this.#parts = parts;
    const task = (signal: AbortSignal): Promise<void> => this.#write(signal);
    this.#task = new RateLimitedTask({ ...parts, what: 'Event', minInterval: 2_000, maxInterval: 30_000, task });
  }

  /** The agent's state may have changed. */
  changed(): void {
    this.#task.changed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#task[Symbol.asyncDispose]();
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { clock, write } = this.#parts;
    const now = clock.now();
    const { due, conditions } = this.#currentConditions(now);
    this.#conditions = conditions;
    if (due.length > mostPerRun) this.#task.changed();
    // The API server may refuse one, in a namespace that is being deleted.
    await writeEach(due.slice(0, mostPerRun), async ([key, event]) => {
      await write(event, signal);
      conditions.set(key, { since: conditions.get(key)?.since ?? now, writtenAt: now });
    });
  }

  #currentConditions(now: number): {
    readonly due: readonly (readonly [key: string, event: ClusterEvent])[];
    readonly conditions: Map<string, Condition>;
  } {
    if (this.#idlePolicies === undefined || now - this.#idlePolicies.at >= idlePoliciesEvery)
      this.#idlePolicies = { at: now, events: this.#parts.idlePolicies() };
    const events = new Map(
      [...this.#parts.conditions(), ...this.#idlePolicies.events].map((event) => [JSON.stringify(event), event]),
    );
    const conditions = new Map<string, Condition>();
    for (const key of events.keys())
      conditions.set(key, this.#conditions.get(key) ?? { since: now, writtenAt: undefined });
    const isDue = ([key, { reason }]: readonly [string, ClusterEvent]): boolean => {
      const { since = now, writtenAt = -Infinity } = conditions.get(key) ?? {};
      return now - since >= (minDuration[reason] ?? 0) && now - writtenAt >= repeatAfter;
    };
    return { due: [...events].filter(isDue), conditions };
  }
}
