/** A log as it grows, through its rotations. */
import { open, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { LineCutter, type LineBatch } from './line-batches.js';

const pollMilliseconds = 200;
const chunkBytes = 1 << 16;

/**
 * Batches from the file's beginning on, without end. A file that was moved away is read to its end before the one that
 * took its place; a file that is not there yet, or was cut, begins anew. An empty batch says that all was read.
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

async function* untilReplaced(file: FileHandle, path: string, signal: AbortSignal): AsyncGenerator<LineBatch> {
  const cutter = new LineCutter();
  const buffer = Buffer.allocUnsafe(chunkBytes);
  const { ino } = await file.stat();
  let position = 0;
  while (!signal.aborted) {
    // Asked before reading: what was written before the file was moved is then read all the same.
    const now = await statOf(path);
    const isCut = now?.ino === ino && now.size < position;
    for (let bytes = -1; bytes !== 0 && !isCut;) {
      bytes = (await file.read(buffer, 0, chunkBytes, position)).bytesRead;
      position += bytes;
      yield* cutter.take(buffer.subarray(0, bytes));
    }
    if (isCut || (now !== undefined && now.ino !== ino)) {
      yield* cutter.end();
      return;
    }
    yield cutter.nothing();
    if (!(await waited(signal))) return;
  }
}

async function openWhenThere(path: string, signal: AbortSignal): Promise<FileHandle | undefined> {
  while (!signal.aborted) {
    try {
      return await open(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await waited(signal);
    }
  }
  return undefined;
}

async function statOf(path: string): Promise<{ readonly ino: number; readonly size: number } | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}

/** False when it is over. */
async function waited(signal: AbortSignal): Promise<boolean> {
  try {
    await delay(pollMilliseconds, undefined, { signal });
    return true;
  } catch (error) {
    if (!signal.aborted) throw error;
    return false;
  }
}
