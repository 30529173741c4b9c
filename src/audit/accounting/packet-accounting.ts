/**
 * Accounts for every packet that the log must cover: it is written, aggregated, suppressed by a limit, lost, or still in
 * flight. The kernel counts before and after the limits of the log; a packet that it logged and nobody received is lost.
 * Times are milliseconds since the epoch.
 */
import { sumOf } from '../../generic/sum-of.js';
import type { PacketCount, PacketScope } from '../../program/packet-count.js';
import type { LossCause } from '../record.js';
import { nothingRecorded, type Checkpoint, type RecordedPackets } from './checkpoint.js';
import { CounterGrowth, packetScopes } from './counter-growth.js';
import { Losses, scopeOf, type Loss } from './losses.js';

/** Packets by what the lines on disk say of them: observed = written + aggregated + suppressed + lost + in flight. */
export interface PacketTotals {
  /** Since this run began, and the earlier ones that no line accounts for; a frame that a bridge sends to many is one. */
  readonly observed: number;
  /** With a record of their own. */
  readonly written: number;
  /** In the sum of a record. */
  readonly aggregated: number;
  /** Suppressed by the limits of the log. */
  readonly suppressed: number;
  /** By cause; those by `rotation` had a line before, and are not in the sum above. */
  readonly lost: Readonly<Record<Exclude<LossCause, 'rate-limit'>, number>>;
  /** No line accounts for them yet. Negative while packets arrived after the last reading of the counters. */
  readonly inFlight: number;
}

interface ComparedPeriod {
  /** When the comparison before was made. */
  readonly start: number;
  /** Whether the NFLOG queue has been read since then. */
  readonly isRead: boolean;
}

/** Packets of one scope: those that the log must cover, those that passed its limits, those accounted for as suppressed. */
interface RateLimited {
  toLog: number;
  logged: number;
  suppressed: number;
}

export class PacketAccounting {
  readonly #growth: CounterGrowth;
  readonly #losses = new Losses();
  readonly #limited: ReadonlyMap<PacketScope, RateLimited>;
  #lastReading: number;
  #readingBefore: number;
  #written = 0;
  #aggregated = 0;
  /** Of packets that count already: a frame at other ports of its bridge. */
  #copies = 0;
  /** Packets that passed the limits, and those of them that nobody received. */
  #logged: number;
  #unreceived = 0;
  #isFirst = true;

  /** @param recorded what lines account for beyond the checkpoint */
  constructor(
    meaningOf: (counter: string) => PacketCount | undefined,
    { time, ...checkpoint }: Checkpoint,
    recorded: RecordedPackets = nothingRecorded,
  ) {
    this.#growth = new CounterGrowth(meaningOf, checkpoint.counters);
    this.#lastReading = time;
    this.#readingBefore = time;
    this.#logged = checkpoint.pending - recorded.logged;
    const carriedOver = (scope: PacketScope): number =>
      (checkpoint.suppressed[scope] ?? 0) - recorded.suppressed[scope];
    this.#limited = new Map(
      packetScopes.map((scope) => [scope, { toLog: carriedOver(scope), logged: 0, suppressed: 0 }]),
    );
  }

  addWritten(packets: number): void {
    this.#written += packets;
  }

  addAggregated(packets: number): void {
    this.#aggregated += packets;
  }

  addCopy(): void {
    this.#copies += 1;
  }

  addLoss(loss: Loss): void {
    this.#losses.add(loss);
  }

  /** Adds a reading of the counters. @returns packets that have passed the limits by then, for {@link compare}. */
  addReading(counters: ReadonlyMap<string, number>, time: number): number {
    const { toLog, logged } = this.#growth.since(counters);
    for (const [scope, limited] of this.#limited) {
      this.#logged += logged[scope];
      limited.logged += logged[scope];
      this.#addSuppressed(scope, limited);
      limited.toLog += toLog[scope];
    }
    this.#readingBefore = this.#lastReading;
    this.#lastReading = time;
    return this.#logged;
  }

  /** These counters are about to be removed, and may be created again. To be called right after a reading. */
  countersRemoved(counters: readonly string[]): void {
    this.#growth.forget(counters);
  }

  /**
   * Compares what passed the limits with what was received. `before` arrived before the reading of the counters, and was
   * received or is known to be lost; `during` arrived while it was made. Without any of those the result is exact, else
   * it is a lower bound.
   */
  compare(
    logged: number,
    received: { readonly before: number; readonly during: number },
    period: ComparedPeriod,
  ): void {
    const missing = logged - received.before - received.during - this.#unreceived;
    const cause = this.#isFirst || !period.isRead ? 'agent-down' : 'kernel-queue';
    this.#isFirst = false;
    if (missing <= 0) return;
    this.#unreceived += missing;
    this.addLoss({ cause, count: missing, start: period.start, end: this.#lastReading });
  }

  /** The losses without a record. Call {@link lossRecorded} for each when its line is on disk. */
  takeLosses(): readonly Loss[] {
    return this.#losses.take();
  }

  lossRecorded(loss: Loss): void {
    this.#losses.recorded(loss);
  }

  totals(): PacketTotals {
    const { 'rate-limit': suppressed, ...lost } = this.#losses.recordedPackets;
    const limited = sumOf(this.#limited.values(), ({ toLog, logged }) => toLog - logged);
    const observed = this.#logged - this.#copies + limited;
    const recordedAsLost = suppressed + lostWithoutLine(lost);
    return {
      observed,
      written: this.#written,
      aggregated: this.#aggregated,
      suppressed,
      lost,
      inFlight: observed - this.#written - this.#aggregated - recordedAsLost,
    };
  }

  checkpoint(): Checkpoint {
    const suppressed = Object.fromEntries(
      [...this.#limited].map(([scope, limited]) => [scope, limited.toLog - limited.logged - limited.suppressed]),
    );
    for (const loss of this.#losses.unrecorded)
      if (loss.cause === 'rate-limit') suppressed[scopeOf(loss)] = (suppressed[scopeOf(loss)] ?? 0) + loss.count;
    const pending = this.totals().inFlight - sumOf(Object.values(suppressed), (count) => count);
    return { time: this.#lastReading, counters: this.#growth.seen(), pending, suppressed };
  }

  /**
   * Counters are read one after the other while packets arrive. A packet is suppressed when it was to be logged at the
   * last reading and is not logged at this one: never more than the limits held back, and all of it once no packet arrives.
   */
  #addSuppressed(scope: PacketScope, limited: RateLimited): void {
    const count = limited.toLog - limited.logged - limited.suppressed;
    if (count <= 0) return;
    limited.suppressed += count;
    const about = scope === 'report' ? { isReport: true as const } : scope === 'neither' ? {} : { direction: scope };
    this.addLoss({ cause: 'rate-limit', ...about, count, start: this.#readingBefore, end: this.#lastReading });
  }
}

/** Packets that never had a line: what was removed with its file was written before. */
export const lostWithoutLine = (lost: PacketTotals['lost']): number =>
  sumOf(Object.values(lost), (count) => count) - lost.rotation;
