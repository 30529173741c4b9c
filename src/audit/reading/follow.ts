/** Follows a log as it grows, through its rotations. */
import { open, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { unlessMissing } from '../../generic/unless-missing.js';
import { LineCutter, type LineBatch } from './line-batches.js';

const pollMilliseconds = 200;
const chunkBytes = 1 << 16;

/**
 * Batches from the beginning of the file on, without end. A file that was renamed is read to its end before its
 * successor; a file that does not exist yet or was truncated is read from its beginning. An empty batch says that
 * everything was read.
 */
export async function* followLog(path: string, signal: AbortSignal): AsyncGenerator<LineBatch> {
  while (!signal.aborted) {
    const file = await openWhenThere(path, signal);
    if (file === undefined) return;
    try {
      yield* untilReplaced(file, path, signal);
    } finally {
      await file.close();
    }
  }
}

/** The batches of several logs, each as soon as it is there; an empty one when everything of all was read. */
export async function* followLogs(
  paths: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<{ readonly path: string; readonly batch: LineBatch }> {
  const following = new Map(paths.map((path) => [path, { batches: followLog(path, signal), isRead: false }]));
  const next = async (path: string) => ({ path, result: await following.get(path)?.batches.next() });
  const waiting = new Map(paths.map((path) => [path, next(path)]));
  try {
    while (waiting.size > 0) {
      const { path, result } = await Promise.race(waiting.values());
      const log = following.get(path);
      if (log === undefined || result === undefined || result.done === true) {
        waiting.delete(path);
        continue;
      }
      log.isRead = result.value.text === '';
      if (!log.isRead || [...following.values()].every(({ isRead }) => isRead)) yield { path, batch: result.value };
      waiting.set(path, next(path));
    }
  } finally {
    for (const { batches } of following.values()) void batches.return(undefined);
  }
}

async function* untilReplaced(file: FileHandle, path: string, signal: AbortSignal): AsyncGenerator<LineBatch> {
  const cutter = new LineCutter();
  const buffer = Buffer.allocUnsafe(chunkBytes);
  const { ino } = await file.stat();
  let position = 0;
  while (!signal.aborted) {
    // Asked before reading: lines that were written before the file was renamed are still read.
    const now = await unlessMissing(stat(path));
    const isTruncated = now?.ino === ino && now.size < position;
    for (let bytes = -1; bytes !== 0 && !isTruncated;) {
      bytes = (await file.read(buffer, 0, chunkBytes, position)).bytesRead;
      position += bytes;
      yield* cutter.take(buffer.subarray(0, bytes));
    }
    if (isTruncated || (now !== undefined && now.ino !== ino)) {
      yield* cutter.end();
      return;
    }
    yield cutter.emptyBatch();
    if (!(await waited(signal))) return;
  }
}

async function openWhenThere(path: string, signal: AbortSignal): Promise<FileHandle | undefined> {
  while (!signal.aborted) {
    const file = await unlessMissing(open(path));
    if (file !== undefined) return file;
    await waited(signal);
  }
  return undefined;
}

/** False when the signal has aborted. */
async function waited(signal: AbortSignal): Promise<boolean> {
  try {
    await delay(pollMilliseconds, undefined, { signal });
    return true;
  } catch (error) {
    if (!signal.aborted) throw error;
    return false;
  }
}
