/** The lines of a log in reverse: the last lines are found without reading the rest. */
import { createReadStream } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { unlessMissing } from '../../generic/unless-missing.js';
import { oldestFirst, isRotatedFrom } from './rotated-file-names.js';

const chunkBytes = 1 << 16;
const newline = 0x0a;

/** Of the live file, then of the rotated ones, the youngest first. None where there is no log. */
export async function* logLinesInReverse(live: string): AsyncGenerator<string> {
  yield* fileInReverse(live);
  for (const path of await rotatedFiles(live))
    yield* path.endsWith('.gz') ? compressedInReverse(path) : fileInReverse(path);
}

async function rotatedFiles(live: string): Promise<readonly string[]> {
  const names = await unlessMissing(readdir(dirname(live)));
  const rotated = (names ?? []).filter((name) => isRotatedFrom(live, name)).map((name) => join(dirname(live), name));
  return (await oldestFirst(rotated, extname(live))).toReversed();
}

async function* fileInReverse(path: string): AsyncGenerator<string> {
  const file = await unlessMissing(open(path));
  if (file === undefined) return;
  try {
    /** Of a line whose beginning was not read yet. */
    let rest = Buffer.alloc(0);
    for (let end = (await file.stat()).size; end > 0;) {
      const start = Math.max(0, end - chunkBytes);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      const bytes = Buffer.concat([buffer.subarray(0, bytesRead), rest]);
      const first = start === 0 ? -1 : bytes.indexOf(newline);
      if (start === 0 || first >= 0) {
        yield* linesOf(bytes.subarray(first + 1).toString('utf8'));
        rest = bytes.subarray(0, Math.max(first, 0));
      } else rest = bytes;
      end = start;
    }
  } finally {
    await file.close();
  }
}

async function* compressedInReverse(path: string): AsyncGenerator<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path).pipe(createGunzip())) chunks.push(chunk as Buffer);
  yield* linesOf(Buffer.concat(chunks).toString('utf8'));
}

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .reverse();
