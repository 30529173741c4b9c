import type { Checkpoint } from './accounting/packet-accounting.js';
import type { PacketSum } from './writing/aggregator.js';
import type { Attribution } from './attribution/attribution.js';
import type { CounterMeaning } from './accounting/counter-growth.js';
import type { LoggedPacket } from './attribution/logged-packet.js';
import type { SnapshotReferences } from './snapshots/snapshot-references.js';
import type { OpenReader } from './reopening-reader.js';
import type { RecordOrigin } from './writing/record-builder.js';
import type { Sink } from './writing/sink.js';
import type { LogTail } from './accounting/records-since-checkpoint.js';

export type PacketListener = (judged: LoggedPacket, counted: PacketSum) => void;

export interface AuditLogParts extends LogTail {
  readonly attribution: Attribution;
  readonly sink: Sink;
  /** Packets of every named counter. */
  readonly readCounters: () => Promise<ReadonlyMap<string, number>>;
  readonly counterMeaning: (name: string) => CounterMeaning | undefined;
  readonly openReader: OpenReader;
  readonly checkpoints: { load(): Promise<Checkpoint | undefined>; save(checkpoint: Checkpoint): Promise<void> };
  readonly writer: RecordOrigin;
  /** Absent: records name neither policies nor identities of their moment. */
  readonly referencesFor?: (judged: LoggedPacket) => SnapshotReferences;
  /** Told what the records tell, also when there is no room for a record. */
  readonly onPacket?: PacketListener;
  /** Milliseconds since the epoch, as the kernel's time stamps are. */
  readonly now: () => number;
  readonly log: LogTail['log'] & {
    error(fields: object, message: string): void;
  };
}
