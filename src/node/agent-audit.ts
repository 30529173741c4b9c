/** The agent's audit log: the loop says what chains and pods mean, the kernel logs the packets. */
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { Attribution } from '../audit/attribution/attribution.js';
import { AuditLog } from '../audit/audit-log.js';
import type { AuditLogParts, PacketListener } from '../audit/audit-log-parts.js';
import { logLinesInReverse } from '../audit/reading/reverse-lines.js';
import { SnapshotRecorder } from '../audit/snapshots/snapshot-references.js';
import { SnapshotStore } from '../audit/snapshots/snapshot-store.js';
import { Sink } from '../audit/writing/sink.js';
import type { PolicyMode } from '../model/policy-mode.js';
import type { Attachment } from '../model/attachment.js';
import type { ClusterChange } from '../model/cluster.js';
import { messageOf } from '../generic/message-of.js';
import { recordOutput, type RecordOutputParts } from './record-output.js';
import { CheckpointFile } from './state/checkpoint-file.js';
import { parseLogPrefix } from '../nftables/names/log-prefix.js';
import { packetCountOf } from '../nftables/names/packet-counts.js';
import { decisionNames } from '../nftables/render/decisions.js';
import type { ProgramChange } from '../program/types.js';
import type { CompiledChanges, LoopObserver, ReconcilerLog } from '../reconciler/types.js';

interface AgentAuditParts extends RecordOutputParts, Pick<AuditLogParts, 'readCounters' | 'openReader' | 'now'> {
  readonly mode: PolicyMode;
  readonly node: string;
  /** Absent where the cluster has none. */
  readonly clusterUid: string | undefined;
  readonly stateDir: string;
  readonly version: string;
  readonly onPacket?: PacketListener;
  /** A packet's address is that of no pod and no Node. */
  readonly onAddressNotFound: () => void;
}

/** Characters of records that may wait for the disk. */
const bufferCapacity = 8 * 1024 * 1024;
/** Milliseconds until a failed write is tried again. */
const retryAfter = 1000;

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
  readonly #snapshots: SnapshotRecorder | undefined;

  constructor(parts: AgentAuditParts) {
    this.#now = parts.now;
    const { to, mode, log, onAddressNotFound } = parts;
    this.#attribution = new Attribution({
      names: decisionNames,
      parsePrefix: parseLogPrefix,
      mode,
      onAddressNotFound,
    });
    this.#snapshots = to.file === undefined ? undefined : snapshotRecorder(to.file, mode, log);
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
      this.#snapshots?.changesApplied(changes, this.#now());
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
    const { to, log, node, clusterUid, stateDir, version, readCounters, openReader, onPacket, now } = parts;
    const { file } = to;
    const snapshots = this.#snapshots;
    this.#log = await AuditLog.start({
      attribution: this.#attribution,
      sink: new Sink(recordOutput(parts), {
        capacity: bufferCapacity,
        retryAfter,
        onWriteState: (error) => {
          if (error === undefined) log.info({ ...to }, 'the audit log is written again');
          else log.error({ ...to, error: messageOf(error) }, 'cannot write the audit log; records wait');
        },
      }),
      readCounters,
      packetCountOf,
      openReader,
      checkpoints: new CheckpointFile(stateDir),
      ...(file === undefined ? {} : { linesInReverse: () => logLinesInReverse(file) }),
      origin: { node, ...(clusterUid === undefined ? {} : { clusterUid }), version, bootId: randomUUID() },
      ...(onPacket === undefined ? {} : { onPacket }),
      ...(snapshots === undefined ? {} : { referencesFor: (logged) => snapshots.referencesFor(logged) }),
      now,
      log,
    });
    return this.#log;
  }
}

/** Logs the first failure of a row only: each record of a flood would log it again. */
function snapshotRecorder(logFile: string, mode: PolicyMode, log: ReconcilerLog): SnapshotRecorder {
  const opening = SnapshotStore.open(dirname(logFile));
  // The first record that needs the store reports the failure.
  opening.catch(() => undefined);
  let isFailing = false;
  const withStore = async (save: (store: SnapshotStore) => Promise<void>): Promise<void> => {
    await save(await opening);
    isFailing = false;
  };
  return new SnapshotRecorder({
    mode,
    store: {
      savePolicies: (id, policies) => withStore((store) => store.savePolicies(id, policies)),
      saveIdentity: (id, identity) => withStore((store) => store.saveIdentity(id, identity)),
    },
    onFailure: (error) => {
      if (!isFailing)
        log.warn({ error: messageOf(error) }, 'cannot save the policies of records: they cannot be explained later');
      isFailing = true;
    },
  });
}
