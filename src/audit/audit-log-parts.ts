import type { PacketCount } from '../program/packet-count.js';
import type { Checkpoint } from './accounting/checkpoint.js';
import type { UnreadableCheckpoint } from './accounting/unreadable-checkpoint.js';
import type { LogTail } from './accounting/records-since-checkpoint.js';
import type { Attribution } from './attribution/attribution.js';
import type { LoggedPacket } from './attribution/logged-packet.js';
import type { OpenReader } from './reopening-reader.js';
import type { SnapshotReferences } from './snapshots/snapshot-references.js';
import type { PacketSum } from './writing/aggregator.js';
import type { RecordOrigin } from './writing/record-builder.js';
import type { Sink } from './writing/sink.js';

export type PacketListener = (logged: LoggedPacket, sum: PacketSum) => void;

export interface AuditLogParts extends LogTail {
  readonly attribution: Attribution;
  readonly sink: Sink;
  /** Where scan records go. */
  readonly scanSink: Sink;
  /** New pairs of a sender a second that have records of their own; of others it has a scan record. */
  readonly senderRate: number;
  /** Packets of every named counter. */
  readonly readCounters: () => Promise<ReadonlyMap<string, number>>;
  readonly packetCountOf: (name: string) => PacketCount | undefined;
  readonly openReader: OpenReader;
  readonly checkpoints: {
    load(): Promise<Checkpoint | UnreadableCheckpoint | undefined>;
    save(checkpoint: Checkpoint): Promise<void>;
  };
  readonly origin: RecordOrigin;
  /** Absent: records name no policy set and no pod identity. */
  readonly referencesFor?: (logged: LoggedPacket) => SnapshotReferences;
  /** Called for every record, also when there is no room to write it. */
  readonly onPacket?: PacketListener;
  /** Milliseconds since the epoch, as the kernel's time stamps are. */
  readonly now: () => number;
  readonly log: LogTail['log'] & {
    error(fields: object, message: string): void;
  };
}
