/** The agent's audit log: the loop reports what chains and pods mean, the kernel reports what it denied. */
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { Attribution } from '../audit/attribution/attribution.js';
import { AuditLog } from '../audit/audit-log.js';
import type { AuditLogParts, PacketListener } from '../audit/audit-log-parts.js';
import { logLinesInReverse } from '../audit/reading/reverse-lines.js';
import { SnapshotRecorder } from '../audit/snapshots/snapshot-references.js';
import { RotatingFile, type RotationOptions } from '../audit/writing/rotating-file.js';
import { SnapshotStore } from '../audit/snapshots/snapshot-store.js';
import { Sink, streamOutput, type LineOutput } from '../audit/writing/sink.js';
import type { PolicyMode } from '../model/policy-mode.js';
import type { Attachment } from '../model/attachment.js';
import type { ClusterChange } from '../model/cluster.js';
import { messageOf } from '../generic/message-of.js';
import { CheckpointFile } from './state/checkpoint-file.js';
import { parseLogPrefix } from '../nftables/names/log-prefix.js';
import { packetCountOf } from '../nftables/names/packet-counts.js';
import { decisionNames } from '../nftables/names/decisions.js';
import type { ProgramChange } from '../program/types.js';
import type { LoopObserver, ReconcilerLog } from '../reconciler/types.js';

export interface RecordTargets {
  /** Absent: standard output only. */
  readonly file?: string;
  readonly stdout: boolean;
}

export interface AgentAuditParts extends Pick<AuditLogParts, 'readCounters' | 'openReader' | 'now'> {
  readonly to: RecordTargets;
  readonly mode: PolicyMode;
  readonly rotation: Omit<RotationOptions, 'onCleanupFailure'>;
  readonly stdout: NodeJS.WriteStream;
  readonly log: ReconcilerLog;
  readonly node: string;
  /** Absent where the cluster has none. */
  readonly clusterUid: string | undefined;
  readonly stateDir: string;
  readonly version: string;
  readonly onPacket?: PacketListener;
}

/** Characters of records that may wait for the disk. */
const sinkCapacity = 8 * 1024 * 1024;
/** Milliseconds. */
const retryWriting = 1000;

/**
 * Begins at once to remember what changes mean, and to read as soon as it can: enforcement waits for neither. A failure
 * is logged, and leaves the denials counted.
 */
export class AgentAudit implements LoopObserver, AsyncDisposable {
  readonly #now: () => number;
  readonly #attribution: Attribution;
  readonly #starting: Promise<AuditLog | undefined>;
  #log: AuditLog | undefined;
  /** Absent where no file is written: there is no place beside it. */
  #snapshots: SnapshotRecorder | undefined;
  #compiled: { readonly changes: readonly ClusterChange[]; readonly program: ProgramChange }[] = [];

  constructor(parts: AgentAuditParts) {
    this.#now = parts.now;
    const { to, mode, log } = parts;
    this.#attribution = new Attribution({ names: decisionNames, parsePrefix: parseLogPrefix, mode });
    if (to.file !== undefined) this.#snapshots = snapshotsBeside(to.file, mode, log);
    this.#starting = this.#start(parts).catch((error: unknown) => {
      parts.log.error({ error: messageOf(error) }, 'no audit log');
      return undefined;
    });
  }

  /** Undefined until it has begun. */
  get running(): AuditLog | undefined {
    return this.#log;
  }

  changesCompiled(changes: readonly ClusterChange[], program: ProgramChange): void {
    this.#attribution.changesCompiled(changes, program, this.#now());
    this.#compiled.push({ changes, program });
  }

  changesApplied(): void {
    for (const { changes, program } of this.#compiled.splice(0)) {
      this.#attribution.changesApplied(changes, program.endpoints, this.#now());
      this.#snapshots?.changesApplied(changes, this.#now());
    }
  }

  podsAttached(attachments: readonly Attachment[]): void {
    this.#attribution.podsAttached(attachments, this.#now());
  }

  async beforeRemoval(counters: readonly string[]): Promise<void> {
    // Also when it has only begun: what was counted while no agent ran goes with the table that the first run replaces.
    await (await this.#starting)?.beforeRemoval(counters);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#starting)?.[Symbol.asyncDispose]();
  }

  async #start(parts: AgentAuditParts): Promise<AuditLog> {
    const { to, log, node, clusterUid, stateDir, version, readCounters, openReader, onPacket, now } = parts;
    const { file } = to;
    this.#log = await AuditLog.start({
      attribution: this.#attribution,
      sink: new Sink(outputTo(parts), {
        capacity: sinkCapacity,
        retryAfter: retryWriting,
        onWriteState: (error) => {
          if (error === undefined) log.info({ ...to }, 'the audit log is written again');
          else log.error({ ...to, error: messageOf(error) }, 'the audit log cannot be written; records wait');
        },
      }),
      readCounters,
      packetCountOf,
      openReader,
      checkpoints: new CheckpointFile(stateDir),
      ...(file === undefined ? {} : { linesInReverse: () => logLinesInReverse(file) }),
      origin: { node, ...(clusterUid === undefined ? {} : { clusterUid }), version, bootId: randomUUID() },
      ...(onPacket === undefined ? {} : { onPacket }),
      referencesFor: (logged) => this.#snapshots?.referencesFor(logged) ?? {},
      now,
      log,
    });
    return this.#log;
  }
}

/** Told once while it lasts: records of a flood would each tell it. */
function snapshotsBeside(file: string, mode: PolicyMode, log: ReconcilerLog): SnapshotRecorder {
  const opening = SnapshotStore.open(dirname(file));
  // Told by the first record that needs it.
  opening.catch(() => undefined);
  let failing = false;
  const keep = async (keeping: (store: SnapshotStore) => Promise<void>): Promise<void> => {
    await keeping(await opening);
    failing = false;
  };
  return new SnapshotRecorder({
    mode,
    store: {
      savePolicies: (id, policies) => keep((store) => store.savePolicies(id, policies)),
      saveIdentity: (id, identity) => keep((store) => store.saveIdentity(id, identity)),
    },
    onFailure: (error) => {
      if (!failing)
        log.warn({ error: messageOf(error) }, 'what records rest on is not kept: they cannot be explained later');
      failing = true;
    },
  });
}

function outputTo({ to, rotation, stdout, log, now }: AgentAuditParts): LineOutput {
  // An agent does not end because nobody listens: the sink is told, and tries again.
  if (to.stdout) stdout.removeAllListeners('error').on('error', () => undefined);
  if (to.file === undefined) return streamOutput(stdout);
  const onCleanupFailure = (error: unknown): void =>
    log.warn({ error: messageOf(error) }, 'a former audit log could not be packed or removed');
  const rotating = new RotatingFile(to.file, { ...rotation, onCleanupFailure }, now);
  return to.stdout ? copied(rotating, stdout) : rotating;
}

/** Characters that may wait for a reader of the copy. */
const copyCapacity = 1024 * 1024;

/** The file keeps everything; the copy leaves out what its reader is too slow for, as the gaps in its sequence tell. */
const copied = (file: LineOutput, copy: NodeJS.WriteStream): LineOutput => ({
  async write(text) {
    await file.write(text);
    if (copy.writableLength < copyCapacity) copy.write(text);
  },
  close: () => file.close(),
});
