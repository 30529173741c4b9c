/**
 * The audit log of one agent:
 *
 *   reader --observations--> attribution --> aggregator --records--> sink
 *   kernel's counters -----> accounts ------------------losses-----> sink
 *
 * It never waits for the disk, and enforcement never waits for it: what finds no room is counted and told later.
 */
import type { Observation, ObservedBatch } from '../model/observation.js';
import { messageOf } from '../generic/message-of.js';
import {
  PacketAccounting,
  type Checkpoint,
  type PacketTotals,
  type RecordedPackets,
} from './accounting/packet-accounting.js';
import { Aggregator, type PacketSum } from './writing/aggregator.js';
import type { AuditLogParts } from './audit-log-parts.js';
import { LossDetection } from './accounting/loss-detection.js';
import { isDropped, type LoggedPacket } from './attribution/logged-packet.js';
import { ReopeningReader } from './reopening-reader.js';
import { recordLine, type AuditRecord, type LossCause } from './record.js';
import { RecordBuilder } from './writing/record-builder.js';
import { recordsSinceCheckpoint } from './accounting/records-since-checkpoint.js';

/** Milliseconds. */
const times = { aggregation: 5000, busyTick: 1000, idleTick: 5000 } as const;
/** Distinct kinds of packets that are summed at once. */
const aggregated = 16_384;

export class AuditLog implements AsyncDisposable {
  readonly #parts: AuditLogParts;
  readonly #accounts: PacketAccounting;
  readonly #aggregator: Aggregator;
  readonly #records: RecordBuilder;
  readonly #reader: ReopeningReader;
  readonly #comparison: LossDetection;
  /** At the last tick. */
  #receivedBefore = 0;
  #saved = '';
  /** Number of the last line that has left; lines leave in their order. */
  #lastWritten = 0;
  #ticking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closing = false;

  private constructor(parts: AuditLogParts, checkpoint: Checkpoint, told: RecordedPackets) {
    this.#parts = parts;
    this.#accounts = new PacketAccounting(parts.counterMeaning, checkpoint, told);
    this.#records = new RecordBuilder(parts.writer, parts.now);
    this.#reader = new ReopeningReader({ ...parts, onBatch: (batch) => this.#receive(batch) });
    this.#comparison = new LossDetection(
      { ...parts, accounts: this.#accounts, drained: () => this.#reader.drained() },
      checkpoint.time,
    );
    this.#aggregator = new Aggregator({
      window: times.aggregation,
      size: aggregated,
      onFirst: (judged, counted) => this.#write(judged, counted, (packets) => this.#accounts.addWritten(packets)),
      onRepeats: (judged, counted) => this.#write(judged, counted, (packets) => this.#accounts.addAggregated(packets)),
      onFull: (judged) =>
        this.#lose('agg-map-full', judged, { count: 1, start: judged.packet.time, end: judged.packet.time }),
    });
  }

  /** Begins where the last run's checkpoint says that it ended. */
  static async start(parts: AuditLogParts): Promise<AuditLog> {
    const begun = async (): Promise<Checkpoint> => ({
      time: parts.now(),
      counters: Object.fromEntries(await parts.readCounters()),
      pending: 0,
      suppressed: {},
    });
    const checkpoint = (await parts.checkpoints.load()) ?? (await begun());
    const log = new AuditLog(parts, checkpoint, await recordsSinceCheckpoint(checkpoint, parts));
    await log.#reader.open();
    log.#ticking = log.#tick().then(() => log.#schedule());
    return log;
  }

  get isReading(): boolean {
    return this.#reader.isReading;
  }

  totals(): PacketTotals {
    return this.#accounts.totals();
  }

  /** Counters that are about to be removed: reads them for the last time. */
  async beforeRemoval(counters: readonly string[]): Promise<void> {
    await this.#comparison.count();
    this.#accounts.countersRemoved(counters);
    // A run that is killed now must not leave the former values to the next: those of a new table would be held to them.
    await this.#saveCheckpoint();
  }

  /** Reads what is still there, and writes what it can. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await this.#reader.settled();
    clearTimeout(this.#timer);
    await this.#ticking;
    await this.#tick();
    await this.#reader[Symbol.asyncDispose]();
    this.#aggregator.flush();
    await this.#parts.sink[Symbol.asyncDispose]();
    await this.#saveCheckpoint();
  }

  #receive({ observations, missed, unreadable }: ObservedBatch): void {
    const now = this.#parts.now();
    if (missed !== undefined) {
      this.#comparison.noteReceived(missed.count, missed.end);
      this.#accounts.addLoss({ cause: 'kernel-queue', ...missed });
    }
    if (unreadable > 0) {
      this.#comparison.noteReceived(unreadable, now);
      this.#accounts.addLoss({ cause: 'kernel-queue', count: unreadable, start: now, end: now });
    }
    for (const observation of observations) this.#receivePacket(observation, now);
  }

  #receivePacket(observation: Observation, now: number): void {
    const judged = this.#parts.attribution.attribute(observation);
    if (judged === undefined) return;
    this.#comparison.noteReceived(1, observation.time);
    this.#aggregator.add(judged, now);
  }

  #write(judged: LoggedPacket, counted: PacketSum, onWritten: (packets: number) => void): void {
    const { sink, onPacket, referencesFor: evidenceOf } = this.#parts;
    onPacket?.(judged, counted);
    if (!sink.hasRoom) this.#lose('writer', judged, counted);
    else this.#writeLine(this.#records.event(judged, counted, evidenceOf?.(judged)), () => onWritten(counted.count));
  }

  #writeLine(record: AuditRecord, onWritten: () => void): void {
    this.#parts.sink.write(recordLine(record), () => {
      this.#lastWritten = record['event.sequence'];
      onWritten();
    });
  }

  #lose(cause: LossCause, judged: LoggedPacket, { count, start, end }: Omit<PacketSum, 'bytes'>): void {
    const { direction } = judged;
    const about = isDropped(judged) ? { direction } : { direction, isReport: true as const };
    this.#accounts.addLoss({ cause, ...about, count, start, end });
  }

  #schedule(): void {
    if (this.#closing) return;
    const { received } = this.#comparison;
    const isBusy = received > this.#receivedBefore || this.#aggregator.pending > 0 || this.totals().inFlight !== 0;
    this.#receivedBefore = received;
    this.#timer = setTimeout(
      () => {
        this.#ticking = this.#tick().then(() => this.#schedule());
      },
      isBusy ? times.busyTick : times.idleTick,
    );
  }

  async #tick(): Promise<void> {
    try {
      await this.#comparison.compare();
    } catch (error) {
      this.#parts.log.warn({ error: messageOf(error) }, 'the counters of denials could not be read');
    }
    this.#aggregator.flush(this.#closing ? Infinity : this.#parts.now());
    this.#tellLosses();
    await this.#saveCheckpoint();
  }

  #tellLosses(): void {
    const { sink } = this.#parts;
    if (!sink.hasRoom) return;
    for (const loss of this.#accounts.takeLosses())
      this.#writeLine(this.#records.loss(loss), () => this.#accounts.told(loss));
  }

  async #saveCheckpoint(): Promise<void> {
    const { time, ...counted } = this.#accounts.checkpoint();
    const written = { bootId: this.#parts.writer.bootId, sequence: this.#lastWritten };
    const numbers = { ...counted, written };
    const text = JSON.stringify(numbers);
    if (text === this.#saved) return;
    try {
      await this.#parts.checkpoints.save({ ...numbers, time });
      this.#saved = text;
    } catch (error) {
      this.#parts.log.warn({ error: messageOf(error) }, 'the checkpoint of the audit log could not be written');
    }
  }
}
