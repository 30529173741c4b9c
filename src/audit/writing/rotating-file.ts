/**
 * A file of lines that is renamed when it is large or old: `audit.jsonl`, then `audit-20261122T100000.000Z.jsonl.gz`.
 * Others may rename, remove or truncate it as well: each write looks whether the path still names the open file.
 */
import { mkdir, open, rename, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { unlessMissing } from '../../generic/unless-missing.js';
import { rotatedPath } from '../reading/rotated-file-names.js';
import { compress, ownerOnly, removeExcess, type RetentionLimits } from './rotated-files.js';
import type { LineOutput } from './sink.js';

/**
 * What became of the lines in a file that is no longer written to: it was renamed by us, or moved by another program; it was
 * removed, and nobody can find them; it was truncated, and they are where the other program has copied them, if it has.
 */
export type FileEnd = 'rotated' | 'moved' | 'removed' | 'truncated';

export interface RotationLimits extends RetentionLimits {
  /** Bytes, and milliseconds, after which a new file begins; `Infinity` is no limit. */
  readonly maxBytes: number;
  readonly rotateAfter: number;
  readonly gzip: boolean;
}

interface RotatingFileOptions extends RotationLimits {
  /** A rotated file could not be compressed or removed: it stays as it is. */
  readonly onCleanupFailure: (error: unknown) => void;
  /** Called when the last write to the file was acknowledged; the first to the next one waits for it. */
  readonly onFileEnd: (end: FileEnd) => Promise<void>;
}

interface Current {
  readonly file: FileHandle;
  readonly since: number;
  size: number;
}

/** How often the limits are applied while nothing is rotated, in milliseconds. */
const cleanUpEvery = 3_600_000;

export class RotatingFile implements LineOutput {
  readonly #path: string;
  readonly #options: RotatingFileOptions;
  readonly #now: () => number;
  #current: Current | undefined;
  #cleanup: Promise<void> = Promise.resolve();
  #lastStamp = 0;
  #cleanedUpAt = -Infinity;

  /** `now`: milliseconds since the epoch. */
  constructor(path: string, options: RotatingFileOptions, now: () => number) {
    this.#path = path;
    this.#options = options;
    this.#now = now;
  }

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    for (;;) {
      const current = await this.#roomFor(bytes.length);
      await append(current, bytes);
      // Where it was removed between the look and the writing, nobody can find these lines: they go to the next file, too.
      if ((await current.file.stat()).nlink > 0) return;
      await this.#leave(current, 'removed');
    }
  }

  async close(): Promise<void> {
    await this.#current?.file.sync();
    await this.#current?.file.close();
    this.#current = undefined;
    await this.#cleanup;
  }

  async #roomFor(bytes: number): Promise<Current> {
    const current = await this.#openFile();
    const { maxBytes, rotateAfter } = this.#options;
    const now = this.#now();
    const isFull = current.size + bytes > maxBytes || now - current.since > rotateAfter;
    if (current.size === 0 || !isFull) {
      if (now - this.#cleanedUpAt >= cleanUpEvery) this.#cleanUp(now);
      return current;
    }
    await this.#rotate(current);
    return this.#openFile();
  }

  /** The file that the path names now. */
  async #openFile(): Promise<Current> {
    const current = this.#current;
    if (current !== undefined) {
      const end = await this.#endOf(current);
      if (end === undefined) return current;
      await this.#leave(current, end);
    }
    return (this.#current = await this.#open());
  }

  /** What another program has done with the file; undefined while it can be written to. */
  async #endOf(current: Current): Promise<FileEnd | undefined> {
    // An inode number as a double may be another file's.
    const own = await current.file.stat({ bigint: true });
    const named = await unlessMissing(stat(this.#path, { bigint: true }));
    if (own.ino !== named?.ino || own.dev !== named.dev) return own.nlink === 0n ? 'removed' : 'moved';
    const size = Number(own.size);
    if (size < current.size) return 'truncated';
    current.size = size;
    return undefined;
  }

  async #leave({ file }: Current, end: FileEnd): Promise<void> {
    this.#current = undefined;
    await file.close();
    await this.#options.onFileEnd(end);
  }

  async #open(): Promise<Current> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o750 });
    const file = await open(this.#path, 'a+', ownerOnly);
    try {
      return await this.#opened(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #opened(file: FileHandle): Promise<Current> {
    const stats = await file.stat();
    // The rights and the name of a device are others'.
    if (!stats.isFile()) throw new Error(`${this.#path} is no file`);
    await file.chmod(ownerOnly);
    const { size, birthtimeMs } = stats;
    const current = { file, size, since: size === 0 ? this.#now() : birthtimeMs };
    if (size === 0) return current;
    // A run that was killed may have left half a line, as may who truncates: it must not swallow the next one.
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer.toString() !== '\n') current.size += (await file.write('\n')).bytesWritten;
    return current;
  }

  async #rotate(current: Current): Promise<void> {
    // Two files in one millisecond need two names.
    this.#lastStamp = Math.max(this.#now(), this.#lastStamp + 1);
    const rotated = rotatedPath(this.#path, this.#lastStamp);
    // Moved or removed since the look: the next look sees it.
    if ((await unlessMissing(rename(this.#path, rotated).then(() => true))) === undefined) return;
    this.#current = undefined;
    this.#cleanUp(this.#lastStamp + 1, async () => {
      await current.file.sync();
      await current.file.close();
      if (this.#options.gzip) await compress(rotated);
    });
    await this.#options.onFileEnd('rotated');
  }

  /** Not awaited: a disk may take seconds to sync, and lines wait. */
  #cleanUp(before: number, first: () => Promise<void> = () => Promise.resolve()): void {
    this.#cleanedUpAt = this.#now();
    this.#cleanup = this.#cleanup
      .then(first)
      .then(() => removeExcess(this.#path, this.#options, this.#now(), before))
      .catch((error: unknown) => this.#options.onCleanupFailure(error));
  }
}

/** All of it or nothing. */
async function append(current: Current, bytes: Buffer): Promise<void> {
  const { file, size } = current;
  try {
    for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
  } catch (error) {
    // What was written of it would be written again. A file that another program truncated meanwhile must not grow.
    if ((await file.stat()).size > size) await file.truncate(size);
    throw error;
  }
  current.size = size + bytes.length;
}
