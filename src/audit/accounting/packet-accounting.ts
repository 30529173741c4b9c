/**
 * Where every packet is that records are to tell of: written, summed, held back by a limit, lost, or on its way. The
 * kernel counts before and after the limits of the log; what it logged and nobody received is lost. Times are
 * milliseconds since the epoch.
 */
import { CounterGrowth, packetScopes, type ByScope, type CounterMeaning, type PacketScope } from './counter-growth.js';
import type { LossCause } from '../record.js';
import type { Loss } from '../writing/record-builder.js';

/** What is kept while no agent runs. */
export interface Checkpoint {
  readonly time: number;
  /** The kernel's counters as they were last read. */
  readonly counters: Readonly<Record<string, number>>;
  /** Packets that passed the limits and of which no line on disk speaks; below 0 while lines speak of uncounted ones. */
  readonly pending: number;
  /** Packets held back by the limits of which no line on disk speaks. */
  readonly suppressed: Readonly<Partial<ByScope>>;
  /** The last line on disk that these numbers know of; absent where they know of none. */
  readonly written?: { readonly bootId: string; readonly sequence: number };
}

/** Packets of which lines speak that a checkpoint does not know of. */
export interface RecordedPackets {
  /** Those that passed the limits of the log. */
  readonly logged: number;
  readonly suppressed: ByScope;
}

export const nothingRecorded: RecordedPackets = {
  logged: 0,
  suppressed: { ingress: 0, egress: 0, neither: 0, report: 0 },
};

/** Packets by what the lines on disk say of them: observed = written + aggregated + suppressed + lost + in flight. */
export interface PacketTotals {
  /** Since this run began, and those before of which no line speaks. */
  readonly observed: number;
  /** With a record of their own. */
  readonly written: number;
  /** In the sum of a record. */
  readonly aggregated: number;
  /** Held back by the limits of the log. */
  readonly suppressed: number;
  readonly lost: Readonly<Record<Exclude<LossCause, 'rate-limit'>, number>>;
  /** No line speaks of them yet; below 0 while packets came in after the last reading of the counters. */
  readonly inFlight: number;
}

/** Since when the last comparison was made, and whether anybody has read the queue since. */
export interface ComparedPeriod {
  readonly start: number;
  readonly isRead: boolean;
}

export class PacketAccounting {
  readonly #growth: CounterGrowth;
  readonly #untold = new Map<string, Loss>();
  readonly #telling = new Set<Loss>();
  readonly #told: Record<LossCause, number> = {
    'kernel-queue': 0,
    'rate-limit': 0,
    'agg-map-full': 0,
    writer: 0,
    rotation: 0,
    'agent-down': 0,
  };
  #lastReading: number;
  #readingBefore: number;
  #written = 0;
  #aggregated = 0;
  /** Packets that passed the limits, and of them those that are known to have been received by nobody. */
  #logged: number;
  #unreceived = 0;
  readonly #held: ReadonlyMap<PacketScope, RateLimited>;
  #isFirst = true;

  /** @param recorded what lines say beyond the checkpoint */
  constructor(
    meaningOf: (counter: string) => CounterMeaning | undefined,
    { time, ...checkpoint }: Checkpoint,
    recorded: RecordedPackets = nothingRecorded,
  ) {
    this.#growth = new CounterGrowth(meaningOf, checkpoint.counters);
    this.#lastReading = time;
    this.#readingBefore = time;
    this.#logged = checkpoint.pending - recorded.logged;
    const carried = (scope: PacketScope): number => (checkpoint.suppressed[scope] ?? 0) - recorded.suppressed[scope];
    this.#held = new Map(packetScopes.map((scope) => [scope, { wanted: carried(scope), logged: 0, told: 0 }]));
  }

  addWritten(packets: number): void {
    this.#written += packets;
  }

  addAggregated(packets: number): void {
    this.#aggregated += packets;
  }

  addLoss(loss: Loss): void {
    if (loss.count <= 0) return;
    const key = `${loss.cause} ${scopeOf(loss)} ${loss.direction ?? ''}`;
    const known = this.#untold.get(key);
    const { count, start, end } = known ?? { count: 0, start: loss.start, end: loss.end };
    const sum = { count: count + loss.count, start: Math.min(start, loss.start), end: Math.max(end, loss.end) };
    this.#untold.set(key, { ...loss, ...sum });
  }

  /** Takes a reading of the counters in. @returns packets that have passed the limits by then, for `compare`. */
  count(counters: ReadonlyMap<string, number>, time: number): number {
    const { wanted, logged } = this.#growth.since(counters);
    for (const [scope, held] of this.#held) {
      this.#logged += logged[scope];
      held.logged += logged[scope];
      this.#tellSuppressed(scope, held);
      held.wanted += wanted[scope];
    }
    this.#readingBefore = this.#lastReading;
    this.#lastReading = time;
    return this.#logged;
  }

  /** These counters are about to be removed, and may come again: to be called right after a reading. */
  countersRemoved(counters: readonly string[]): void {
    this.#growth.forget(counters);
  }

  /**
   * Holds what passed the limits against what was received. `before` came by before the reading and was received or is
   * known to be lost; `during` came by while it was made, so that without any the result is exact, else a lower bound.
   */
  compare(logged: number, received: { readonly before: number; readonly during: number }, since: ComparedPeriod): void {
    const gone = logged - received.before - received.during - this.#unreceived;
    const cause = this.#isFirst || !since.isRead ? 'agent-down' : 'kernel-queue';
    this.#isFirst = false;
    if (gone <= 0) return;
    this.#unreceived += gone;
    this.addLoss({ cause, count: gone, start: since.start, end: this.#lastReading });
  }

  /** The losses that no line speaks of yet; `told` is to be called for each when its line is on disk. */
  takeLosses(): readonly Loss[] {
    const losses = [...this.#untold.values()];
    this.#untold.clear();
    for (const loss of losses) this.#telling.add(loss);
    return losses;
  }

  told(loss: Loss): void {
    this.#telling.delete(loss);
    this.#told[loss.cause] += loss.count;
  }

  totals(): PacketTotals {
    const { 'rate-limit': suppressed, ...lost } = this.#told;
    const held = [...this.#held.values()].reduce((sum, { wanted, logged }) => sum + wanted - logged, 0);
    const observed = this.#logged + held;
    const told = this.#written + this.#aggregated + Object.values(this.#told).reduce((sum, count) => sum + count, 0);
    return {
      observed,
      written: this.#written,
      aggregated: this.#aggregated,
      suppressed,
      lost,
      inFlight: observed - told,
    };
  }

  checkpoint(): Checkpoint {
    const suppressed = Object.fromEntries(
      [...this.#held].map(([scope, { wanted, logged, told }]) => [scope, wanted - logged - told]),
    );
    for (const loss of [...this.#untold.values(), ...this.#telling])
      if (loss.cause === 'rate-limit') suppressed[scopeOf(loss)] = (suppressed[scopeOf(loss)] ?? 0) + loss.count;
    const held = Object.values(suppressed).reduce((sum, count) => sum + count, 0);
    const unsettled = this.totals().inFlight - held;
    return { time: this.#lastReading, counters: this.#growth.seen(), pending: unsettled, suppressed };
  }

  /**
   * Counters are read one after the other while packets come by. Told is only what was wanted at the last reading and is
   * not logged at this one: never more than was held back, and all of it as soon as nothing comes by.
   */
  #tellSuppressed(scope: PacketScope, held: RateLimited): void {
    const count = held.wanted - held.logged - held.told;
    if (count <= 0) return;
    held.told += count;
    const about = scope === 'report' ? { isReport: true as const } : scope === 'neither' ? {} : { direction: scope };
    this.addLoss({ cause: 'rate-limit', ...about, count, start: this.#readingBefore, end: this.#lastReading });
  }
}

/** Packets of one scope that the log should tell of, that passed its limits, and that are told as held back by them. */
interface RateLimited {
  wanted: number;
  logged: number;
  told: number;
}

const scopeOf = ({ direction, isReport }: Loss): PacketScope =>
  isReport === true ? 'report' : (direction ?? 'neither');
