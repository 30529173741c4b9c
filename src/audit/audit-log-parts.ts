import type { Checkpoint } from './accounts.js';
import type { Counted } from './aggregator.js';
import type { Attribution } from './attribution.js';
import type { CounterMeaning } from './counter-growth.js';
import type { JudgedPacket } from './judged-packet.js';
import type { Evidence } from './evidence.js';
import type { OpenReader } from './kept-reader.js';
import type { Writer } from './record-maker.js';
import type { Sink } from './sink.js';
import type { LogEnd } from './told-since.js';

export type PacketListener = (judged: JudgedPacket, counted: Counted) => void;

export interface AuditLogParts extends LogEnd {
  readonly attribution: Attribution;
  readonly sink: Sink;
  /** Packets of every named counter. */
  readonly readCounters: () => Promise<ReadonlyMap<string, number>>;
  readonly counterMeaning: (name: string) => CounterMeaning | undefined;
  readonly openReader: OpenReader;
  readonly checkpoints: { load(): Promise<Checkpoint | undefined>; save(checkpoint: Checkpoint): Promise<void> };
  readonly writer: Writer;
  /** Absent: records name neither policies nor identities of their moment. */
  readonly evidenceOf?: (judged: JudgedPacket) => Evidence;
  /** Told what the records tell, also when there is no room for a record. */
  readonly onPacket?: PacketListener;
  /** Milliseconds since the epoch, as the kernel's time stamps are. */
  readonly now: () => number;
  readonly log: LogEnd['log'] & {
    error(fields: object, message: string): void;
  };
}
