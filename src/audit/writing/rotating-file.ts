/** A file of lines that is renamed when it is large or old: `audit.jsonl`, then `audit-20261122T100000.000Z.jsonl.gz`. */
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { rotatedPath } from '../reading/rotated-file-names.js';
import { compress, ownerOnly, removeExcess, type RetentionLimits } from './rotated-files.js';
import type { LineOutput } from './sink.js';

export interface RotationOptions extends RetentionLimits {
  /** Bytes, and milliseconds, after which a new file begins; `Infinity` is no limit. */
  readonly maxBytes: number;
  readonly rotateAfter: number;
  readonly gzip: boolean;
  /** A rotated file could not be compressed or removed: it stays as it is. */
  readonly onCleanupFailure: (error: unknown) => void;
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
  readonly #options: RotationOptions;
  readonly #now: () => number;
  #current: Current | undefined;
  #cleanup: Promise<void> = Promise.resolve();
  #lastStamp = 0;
  #cleanedUpAt = -Infinity;

  /** `now`: milliseconds since the epoch. */
  constructor(path: string, options: RotationOptions, now: () => number) {
    this.#path = path;
    this.#options = options;
    this.#now = now;
  }

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    const current = await this.#roomFor(bytes.length);
    try {
      for (let at = 0; at < bytes.length;) at += (await current.file.write(bytes, at)).bytesWritten;
    } catch (error) {
      // What was written of it would be written again.
      await current.file.truncate(current.size);
      throw error;
    }
    current.size += bytes.length;
  }

  async close(): Promise<void> {
    await this.#current?.file.sync();
    await this.#current?.file.close();
    this.#current = undefined;
    await this.#cleanup;
  }

  async #roomFor(bytes: number): Promise<Current> {
    const current = this.#current ?? (await this.#open());
    this.#current = current;
    const { maxBytes, rotateAfter } = this.#options;
    const now = this.#now();
    const isFull = current.size + bytes > maxBytes || now - current.since > rotateAfter;
    if (current.size === 0 || !isFull) {
      if (now - this.#cleanedUpAt >= cleanUpEvery) this.#cleanUp(now);
      return current;
    }
    await this.#rotate(current);
    this.#current = undefined;
    return (this.#current = await this.#open());
  }

  async #open(): Promise<Current> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o750 });
    const file = await open(this.#path, 'a+', ownerOnly);
    const stats = await file.stat();
    // The rights and the name of a device are others'.
    if (!stats.isFile()) {
      await file.close();
      throw new Error(`${this.#path} is no file`);
    }
    await file.chmod(ownerOnly);
    const { size, birthtimeMs } = stats;
    const current = { file, size, since: size === 0 ? this.#now() : birthtimeMs };
    if (size === 0) return current;
    // A run that was killed may have left half a line: it must not swallow the next one.
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer.toString() !== '\n') current.size += (await file.write('\n')).bytesWritten;
    return current;
  }

  async #rotate({ file }: Current): Promise<void> {
    // Two files in one millisecond need two names.
    this.#lastStamp = Math.max(this.#now(), this.#lastStamp + 1);
    const rotated = rotatedPath(this.#path, this.#lastStamp);
    await rename(this.#path, rotated);
    this.#cleanUp(this.#lastStamp + 1, async () => {
      await file.sync();
      await file.close();
      if (this.#options.gzip) await compress(rotated);
    });
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
