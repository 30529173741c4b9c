/** Where records are written: a rotating file, standard output, or both. */
import { RotatingFile, type FileEnd, type RotationLimits } from '../audit/writing/rotating-file.js';
import { streamOutput, type LineOutput } from '../audit/writing/sink.js';
import { messageOf } from '../generic/message-of.js';
import type { ReconcilerLog } from '../reconciler/types.js';

export interface RecordTargets {
  /** Absent: standard output only. */
  readonly file?: string;
  readonly stdout: boolean;
}

export interface RecordOutputParts {
  readonly to: RecordTargets;
  readonly rotation: RotationLimits;
  readonly stdout: NodeJS.WriteStream;
  /** The file was left: rotated, or moved, removed or truncated by another program. */
  readonly onFileEnd: (end: FileEnd) => Promise<void>;
  readonly log: ReconcilerLog;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function recordOutput({ to, rotation, stdout, onFileEnd, log, now }: RecordOutputParts): LineOutput {
  // An agent must not end because the reader of its output has: the sink gets the error, and tries again.
  if (to.stdout) stdout.removeAllListeners('error').on('error', () => undefined);
  if (to.file === undefined) return streamOutput(stdout);
  const onCleanupFailure = (error: unknown): void =>
    log.warn({ error: messageOf(error) }, 'cannot compress or remove a rotated audit log');
  const rotating = new RotatingFile(to.file, { ...rotation, onCleanupFailure, onFileEnd }, now);
  return to.stdout ? withCopy(rotating, stdout) : rotating;
}

/** Characters that may wait for a reader of the copy. */
const copyCapacity = 1024 * 1024;

/** The file gets every line. The copy leaves out those that its reader is too slow for: gaps in the sequence show them. */
const withCopy = (file: LineOutput, copy: NodeJS.WriteStream): LineOutput => ({
  async write(text) {
    await file.write(text);
    if (copy.writableLength < copyCapacity) copy.write(text);
  },
  close: () => file.close(),
});
