/** The rotated files of a log: they are compressed, and removed when they are too many or too old. */
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { rotationTime } from '../reading/rotated-file-names.js';

export const ownerOnly = 0o600;

/** `Infinity` is no limit. */
export interface RetentionLimits {
  /** Rotated files that are kept. */
  readonly maxBackups: number;
  /** Milliseconds since its rotation after which a file is removed. */
  readonly maxBackupAge: number;
}

/**
 * Removes what the limits do not keep.
 * @param before only files that were rotated before this time: younger ones wait for their own turn to be compressed
 */
export async function removeExcess(live: string, limits: RetentionLimits, now: number, before: number): Promise<void> {
  const folder = dirname(live);
  const rotated = (await readdir(folder))
    .flatMap((name) => {
      const time = rotationTime(live, name);
      return time === undefined ? [] : [{ name, time }];
    })
    .filter(({ time }) => time < before)
    .sort((a, b) => b.time - a.time);
  const excess = rotated.filter(({ time }, index) => index >= limits.maxBackups || now - time > limits.maxBackupAge);
  for (const { name } of excess) await rm(join(folder, name), { force: true });
}

/** Writes the compressed file beside the plain one, then replaces it. The plain one stays when the disk is full. */
export async function compress(path: string): Promise<void> {
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
