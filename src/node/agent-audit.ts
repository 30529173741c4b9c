/** The agent's audit log: the loop says what chains and pods mean, the kernel logs the packets. */
import { randomUUID } from 'node:crypto';
import { Attribution } from '../audit/attribution/attribution.js';
import { AuditLog } from '../audit/audit-log.js';
import type { AuditLogParts, PacketListener } from '../audit/audit-log-parts.js';
import { logLinesInReverse } from '../audit/reading/reverse-lines.js';
import type { FileEnd, RotationLimits } from '../audit/writing/rotating-file.js';
import { Sink } from '../audit/writing/sink.js';
import type { PolicyMode } from '../model/policy-mode.js';
import type { Address } from '../model/address.js';
import type { Attachment } from '../model/attachment.js';
import type { ClusterChange } from '../model/cluster.js';
import { messageOf } from '../generic/message-of.js';
import { SnapshotsBesideLog } from './snapshots-beside-log.js';
import { recordOutput, type RecordOutputParts } from './record-output.js';
import { scanPath } from '../audit/reading/rotated-file-names.js';
import { CheckpointFile } from './state/checkpoint-file.js';
import { parseLogPrefix } from '../nftables/names/log-prefix.js';
import { packetCountOf } from '../nftables/names/packet-counts.js';
import { decisionNames } from '../nftables/render/decisions.js';
import type { ProgramChange } from '../program/types.js';
import type { CompiledChanges, LoopObserver } from '../reconciler/types.js';

interface AgentAuditParts
  extends
    Omit<RecordOutputParts, 'onFileEnd'>,
    Pick<AuditLogParts, 'readCounters' | 'openReader' | 'senderRate' | 'now'> {
  /** Of the scans' files. */
  readonly scanRotation: RotationLimits;
  readonly mode: PolicyMode;
  readonly node: string;
  /** Absent where the cluster has none. */
  readonly clusterUid: string | undefined;
  readonly ownAddresses: () => Iterable<Address>;
  readonly stateDir: string;
  readonly version: string;
  readonly onPacket?: PacketListener;
  /** A packet's address is that of no pod and no Node. */
  readonly onAddressNotFound: () => void;
}

/** Characters of records that may wait for the disk. */
const bufferCapacity = 8 * 1024 * 1024;
/** Milliseconds until a failed write is tried again, and without a failure until writing works again. */
const writing = { retryAfter: 1000, settledAfter: 10_000 } as const;

/**
 * Follows the loop from the first change on, and receives packets as soon as it can: enforcement waits for neither. When
 * it fails, it logs the error, and denials are only counted.
 */
export class AgentAudit implements LoopObserver, AsyncDisposable {
  readonly #now: () => number;
  readonly #attribution: Attribution;
  readonly #starting: Promise<AuditLog | undefined>;
  #log: AuditLog | undefined;
  /** Absent where records go to standard output only: snapshots are saved beside the file. */
  readonly #snapshots: SnapshotsBesideLog | undefined;

  constructor(parts: AgentAuditParts) {
    this.#now = parts.now;
    const { to, mode, log, ownAddresses, onAddressNotFound } = parts;
    this.#attribution = new Attribution({
      names: decisionNames,
      parsePrefix: parseLogPrefix,
      mode,
      ownAddresses,
      onAddressNotFound,
    });
    this.#snapshots = to.file === undefined ? undefined : new SnapshotsBesideLog(to.file, mode, log);
    this.#starting = this.#start(parts).catch((error: unknown) => {
      parts.log.error({ error: messageOf(error) }, 'cannot start the audit log');
      return undefined;
    });
  }

  /** Undefined until it has started. */
  get running(): AuditLog | undefined {
    return this.#log;
  }

  changesCompiled(changes: readonly ClusterChange[], program: ProgramChange): void {
    this.#attribution.changesCompiled(changes, program, this.#now());
  }

  changesApplied(compiled: readonly CompiledChanges[]): void {
    for (const { changes, program } of compiled) {
      this.#attribution.changesApplied(changes, program.endpoints, this.#now());
      this.#snapshots?.recorder.changesApplied(changes, this.#now());
    }
  }

  podsAttached(attachments: readonly Attachment[]): void {
    this.#attribution.podsAttached(attachments, this.#now());
  }

  async beforeRemoval(counters: readonly string[]): Promise<void> {
    // Also while it starts: packets that were counted while no agent ran are lost with the table that the first run replaces.
    await (await this.#starting)?.beforeRemoval(counters);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#starting)?.[Symbol.asyncDispose]();
  }

  async #start(parts: AgentAuditParts): Promise<AuditLog> {
    const { to, log, node, clusterUid, stateDir, version, readCounters, openReader, senderRate, onPacket, now } = parts;
    const { file } = to;
    const scans = file === undefined ? to : { ...to, file: scanPath(file) };
    const snapshots = this.#snapshots;
    this.#log = await AuditLog.start({
      attribution: this.#attribution,
      sink: sinkTo({ ...parts, onFileEnd: (end) => this.#fileEnded(end, 'records', parts) }),
      scanSink: sinkTo({
        ...parts,
        to: scans,
        rotation: parts.scanRotation,
        onFileEnd: (end) => this.#fileEnded(end, 'scans', parts),
      }),
      senderRate,
      readCounters,
      packetCountOf,
      openReader,
      checkpoints: new CheckpointFile(stateDir),
      ...(file === undefined
        ? {}
        : {
            linesInReverse: () => logLinesInReverse(file),
            scanLinesInReverse: () => logLinesInReverse(scanPath(file)),
          }),
      origin: { node, ...(clusterUid === undefined ? {} : { clusterUid }), version, bootId: randomUUID() },
      ...(onPacket === undefined ? {} : { onPacket }),
      ...(snapshots === undefined ? {} : { referencesFor: (logged) => snapshots.recorder.referencesFor(logged) }),
      now,
      log,
    });
    return this.#log;
  }

  async #fileEnded(end: FileEnd, which: 'records' | 'scans', { to, log }: AgentAuditParts): Promise<void> {
    if (end !== 'rotated') {
      const file = which === 'scans' && to.file !== undefined ? { file: scanPath(to.file) } : {};
      log.warn({ ...to, ...file }, `the audit log was ${end} by another program; ${consequences[end]}`);
      // With the folder, the snapshots may be gone, too.
      this.#snapshots?.reopen();
    }
    await this.#log?.fileEnded(end, which);
  }
}

function sinkTo(parts: RecordOutputParts): Sink {
  const { to, log } = parts;
  return new Sink(recordOutput(parts), {
    capacity: bufferCapacity,
    ...writing,
    onWriteState: (error) => {
      if (error === undefined) log.info({ ...to }, 'the audit log is written again');
      else log.error({ ...to, error: messageOf(error) }, 'cannot write the audit log; records wait');
    },
  });
}

const consequences = {
  moved: 'a new file begins',
  removed: 'a new file begins, and what the old one held is recorded as lost',
  truncated: 'what it held is where that program has copied it',
} satisfies Record<Exclude<FileEnd, 'rotated'>, string>;
