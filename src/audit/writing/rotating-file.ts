/** A file of lines that is renamed when it is large or old: `audit.jsonl`, then `audit-20261122T100000.000Z.jsonl.gz`. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { rotatedPath, isRotatedFrom } from '../reading/rotated-file-names.js';
import type { LineOutput } from './sink.js';

export interface RotationOptions {
  /** Bytes, and milliseconds, after which a new file is begun. */
  readonly maxBytes: number;
  readonly maxAge: number;
  /** Former files that are kept. */
  readonly maxBackups: number;
  readonly gzip: boolean;
  /** A former file could not be packed or removed: it stays as it is. */
  readonly onCleanupFailure: (error: unknown) => void;
}

interface Current {
  readonly file: FileHandle;
  readonly since: number;
  size: number;
}

const ownerOnly = 0o600;

export class RotatingFile implements LineOutput {
  readonly #path: string;
  readonly #options: RotationOptions;
  readonly #now: () => number;
  #current: Current | undefined;
  #tidying: Promise<void> = Promise.resolve();
  #lastStamp = 0;

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
    await this.#tidying;
  }

  async #roomFor(bytes: number): Promise<Current> {
    const current = this.#current ?? (await this.#open());
    this.#current = current;
    const { maxBytes, maxAge } = this.#options;
    const isFull = current.size + bytes > maxBytes || this.#now() - current.since > maxAge;
    if (current.size === 0 || !isFull) return current;
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
    const former = rotatedPath(this.#path, this.#lastStamp);
    await rename(this.#path, former);
    // Not awaited: a disk may take seconds to sync, and lines wait.
    this.#tidying = this.#tidying
      .then(() => this.#tidy(file, former))
      .catch((error: unknown) => this.#options.onCleanupFailure(error));
  }

  async #tidy(file: FileHandle, former: string): Promise<void> {
    await file.sync();
    await file.close();
    if (this.#options.gzip) await compress(former);
    const folder = dirname(this.#path);
    // Younger ones wait for their own turn to be packed.
    const names = (await readdir(folder)).filter(
      (name) => isRotatedFrom(this.#path, name) && name <= `${basename(former)}.gz`,
    );
    const old = names.sort().slice(0, Math.max(0, names.length - this.#options.maxBackups));
    for (const name of old) await rm(join(folder, name), { force: true });
  }
}

/** Beside it, then in its place: nobody sees half a file. Where there is no room, the plain one stays. */
async function compress(path: string): Promise<void> {
  const partial = `${path}.gz.new`;
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(partial, { mode: ownerOnly }));
    await rename(partial, `${path}.gz`);
    await rm(path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
