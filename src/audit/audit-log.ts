/**
 * The audit log of one agent:
 *
 *   reader --observations--> attribution --> senders' shares --> aggregator --records--> file
 *                                                      \\--> scan sums --scan records--> file of scans
 *   kernel's counters -----> packet accounting ----------------------loss records--> file
 *
 * It never waits for the disk, and enforcement never waits for it: a packet without room is counted and recorded as lost.
 */
import type { Observation, ObservedBatch } from '../model/observation.js';
import { messageOf } from '../generic/message-of.js';
import type { Checkpoint, RecordedPackets } from './accounting/checkpoint.js';
import { LossDetection } from './accounting/loss-detection.js';
import type { CountedPackets } from './accounting/losses.js';
import { PacketAccounting, type PacketTotals } from './accounting/packet-accounting.js';
import { withoutCheckpoint } from './accounting/unreadable-checkpoint.js';
import { recordsSinceCheckpoint } from './accounting/records-since-checkpoint.js';
import { isDropped, senderName, type LoggedPacket } from './attribution/logged-packet.js';
import type { AuditLogParts } from './audit-log-parts.js';
import type { LossCause } from './record.js';
import { ReopeningReader } from './reopening-reader.js';
import { FrameCopies } from './sharing/frame-copies.js';
import { ScanSums, type ScanSum } from './sharing/scan-sums.js';
import { SenderShares } from './sharing/sender-shares.js';
import { Aggregator, type PacketSum } from './writing/aggregator.js';
import { RecordBuilder } from './writing/record-builder.js';
import { RecordFile } from './writing/record-file.js';
import type { FileEnd } from './writing/rotating-file.js';

/** Milliseconds: how long repeats are summed, and between two ticks while packets arrive and while none do. */
const intervals = { aggregation: 5000, busyTick: 1000, idleTick: 5000 } as const;
/** Distinct kinds of packets that are summed at once. */
const aggregatedKinds = 16_384;

type RecordFileName = 'records' | 'scans';

export class AuditLog implements AsyncDisposable {
  readonly #parts: AuditLogParts;
  readonly #accounting: PacketAccounting;
  readonly #aggregator: Aggregator;
  readonly #records: RecordBuilder;
  readonly #reader: ReopeningReader;
  readonly #lossDetection: LossDetection;
  readonly #files: Readonly<Record<RecordFileName, RecordFile>>;
  readonly #shares: SenderShares;
  readonly #scans = new ScanSums((sum) => this.#writeScan(sum));
  readonly #copies: FrameCopies;
  /** At the last tick. */
  #receivedBefore = 0;
  #savedCheckpoint = '';
  #ticking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #closing = false;

  private constructor(parts: AuditLogParts, checkpoint: Checkpoint, recorded: RecordedPackets) {
    this.#parts = parts;
    this.#files = { records: new RecordFile(parts.sink), scans: new RecordFile(parts.scanSink) };
    this.#shares = new SenderShares(parts.senderRate, parts.now());
    this.#copies = new FrameCopies(parts.now);
    this.#accounting = new PacketAccounting(parts.packetCountOf, checkpoint, recorded);
    this.#records = new RecordBuilder(parts.origin, parts.now);
    this.#reader = new ReopeningReader({ ...parts, onBatch: (batch) => this.#receive(batch) });
    this.#lossDetection = new LossDetection(
      { ...parts, accounting: this.#accounting, drained: () => this.#reader.drained() },
      checkpoint.time,
    );
    this.#aggregator = new Aggregator({
      window: intervals.aggregation,
      size: aggregatedKinds,
      onFirst: (logged, sum) => this.#write(logged, sum, (packets) => this.#accounting.addWritten(packets)),
      onRepeats: (logged, sum) => this.#write(logged, sum, (packets) => this.#accounting.addAggregated(packets)),
    });
  }

  readonly #cannotRead = (error: unknown): void =>
    this.#parts.log.warn({ error: messageOf(error) }, 'cannot read the counters of logged packets');

  /** Continues where the last run's checkpoint ends. */
  static async start(parts: AuditLogParts): Promise<AuditLog> {
    const fromNow = async (): Promise<Checkpoint> => ({
      time: parts.now(),
      counters: Object.fromEntries(await parts.readCounters()),
      pending: 0,
      suppressed: {},
    });
    const found = (await parts.checkpoints.load()) ?? (await fromNow());
    const isUnreadable = 'isUnreadable' in found;
    if (isUnreadable)
      parts.log.error(
        {},
        'the checkpoint of the audit log cannot be read; what no record accounts for is recorded as lost',
      );
    const [checkpoint, recorded] = isUnreadable
      ? await withoutCheckpoint(found, parts)
      : ([found, await recordsSinceCheckpoint(found, parts)] as const);
    const log = new AuditLog(parts, checkpoint, recorded);
    await log.#reader.open();
    log.#ticking = log.#tick().then(() => log.#schedule());
    return log;
  }

  get isReading(): boolean {
    return this.#reader.isReading;
  }

  /** Whether records reach their file or stream, until one fails. */
  get isWriting(): boolean {
    return !Object.values(this.#files).some((file) => file.isFailing);
  }

  totals(): PacketTotals {
    return this.#accounting.totals();
  }

  /**
   * The file that has the lines written so far has ended. Lines of a file that was removed are a loss. Resolves when the
   * checkpoint knows of lines that the next run will not find, should this one be killed.
   */
  async fileEnded(end: FileEnd, file: RecordFileName = 'records'): Promise<void> {
    for (const packets of this.#files[file].takePackets())
      if (end === 'removed') this.#accounting.addLoss({ cause: 'rotation', ...packets });
    if (end !== 'rotated') await this.#saveCheckpoint();
  }

  /** Reads counters that are about to be removed for the last time. */
  async beforeRemoval(counters: readonly string[]): Promise<void> {
    // Rules do not wait for that: what was counted since the last reading is missing from totals then.
    await this.#lossDetection.readCounters().catch(this.#cannotRead);
    this.#accounting.countersRemoved(counters);
    // Without this, a run that is killed now would leave the old values to the next one, which would compare a new table's
    // counters with them.
    await this.#saveCheckpoint();
  }

  /** Receives what the kernel still holds, and writes as much as it can. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await this.#reader.stopReopening();
    clearTimeout(this.#timer);
    await this.#ticking;
    await this.#tick();
    await this.#reader[Symbol.asyncDispose]();
    this.#aggregator.flush();
    this.#scans.flush();
    for (const file of Object.values(this.#files)) await file[Symbol.asyncDispose]();
    await this.#saveCheckpoint();
  }

  #receive({ observations, missed, unreadable }: ObservedBatch): void {
    const now = this.#parts.now();
    if (missed !== undefined) {
      this.#lossDetection.addReceived(missed.count, missed.end);
      this.#accounting.addLoss({ cause: 'kernel-queue', ...missed });
    }
    if (unreadable > 0) {
      this.#lossDetection.addReceived(unreadable, now);
      this.#accounting.addLoss({ cause: 'kernel-queue', count: unreadable, start: now, end: now });
    }
    for (const observation of observations) this.#receivePacket(observation, now);
  }

  #receivePacket(observation: Observation, now: number): void {
    const logged = this.#parts.attribution.attribute(observation);
    if (logged === undefined) return;
    this.#lossDetection.addReceived(1, observation.time);
    if (this.#copies.isCopy(logged)) this.#accounting.addCopy();
    else if (this.#hasOwnRecord(logged, now)) this.#aggregator.add(logged, now);
    else this.#scans.add(logged, now);
  }

  /** Allowed flows are recorded only where a namespace asks for every one of them. */
  #hasOwnRecord(logged: LoggedPacket, now: number): boolean {
    const { verdict, mode, sender } = logged;
    const isAsked = verdict === 'allow' && mode === 'enforce';
    return isAsked || this.#aggregator.isRepeat(logged, now) || this.#shares.take(sender, now);
  }

  #write(logged: LoggedPacket, sum: PacketSum, onWritten: (packets: number) => void): void {
    const { onPacket, referencesFor } = this.#parts;
    const { records } = this.#files;
    onPacket?.(logged, sum);
    if (!records.hasRoom) this.#addLoss('writer', packetsOf(logged, sum));
    else
      records.write(this.#records.event(logged, sum, referencesFor?.(logged)), packetsOf(logged, sum), () =>
        onWritten(sum.count),
      );
  }

  #writeScan(sum: ScanSum): void {
    const { onPacket, referencesFor } = this.#parts;
    const { scans } = this.#files;
    const { logged, packets, isOfOneSender } = sum;
    onPacket?.(logged, packets);
    const { sender, ...counted } = packetsOf(logged, packets);
    if (!scans.hasRoom)
      this.#addLoss('writer', { ...counted, ...(isOfOneSender && sender !== undefined ? { sender } : {}) });
    else
      scans.write(this.#records.scan(sum, referencesFor?.(logged)), counted, () =>
        this.#accounting.addAggregated(packets.count),
      );
  }

  #addLoss(cause: LossCause, packets: CountedPackets): void {
    this.#accounting.addLoss({ cause, ...packets });
  }

  #schedule(): void {
    if (this.#closing) return;
    const { received } = this.#lossDetection;
    const pending = this.#aggregator.pending + this.#scans.pending;
    const isBusy = received > this.#receivedBefore || pending > 0 || this.totals().inFlight !== 0;
    this.#receivedBefore = received;
    this.#timer = setTimeout(
      () => {
        this.#ticking = this.#tick().then(() => this.#schedule());
      },
      isBusy ? intervals.busyTick : intervals.idleTick,
    );
  }

  async #tick(): Promise<void> {
    await this.#lossDetection.compare().catch(this.#cannotRead);
    const due = this.#closing ? Infinity : this.#parts.now();
    this.#aggregator.flush(due);
    this.#scans.flush(due);
    this.#writeLosses();
    await this.#saveCheckpoint();
  }

  #writeLosses(): void {
    const { records } = this.#files;
    if (!records.hasRoom) return;
    for (const loss of this.#accounting.takeLosses())
      records.write(this.#records.loss(loss), loss, () => this.#accounting.lossRecorded(loss));
  }

  async #saveCheckpoint(): Promise<void> {
    const { time, ...numbers } = this.#accounting.checkpoint();
    const { records, scans } = this.#files;
    const written = {
      bootId: this.#parts.origin.bootId,
      sequence: records.lastWritten,
      scanSequence: scans.lastWritten,
    };
    const checkpoint = { ...numbers, written };
    const text = JSON.stringify(checkpoint);
    if (text === this.#savedCheckpoint) return;
    try {
      await this.#parts.checkpoints.save({ ...checkpoint, time });
      this.#savedCheckpoint = text;
    } catch (error) {
      this.#parts.log.warn({ error: messageOf(error) }, 'cannot write the checkpoint of the audit log');
    }
  }
}

function packetsOf(logged: LoggedPacket, { count, start, end }: Omit<PacketSum, 'bytes'>): CountedPackets {
  const { direction } = logged;
  const kind = isDropped(logged) ? { direction } : { direction, isReport: true as const };
  return { ...kind, sender: senderName(logged.sender), count, start, end };
}
