/** Sources of a log's bytes. */
import { createReadStream, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface LogSource {
  /** As messages name it. */
  readonly name: string;
  /** Each chunk is valid until the next one is asked for. */
  readonly chunks: () => AsyncIterable<Buffer>;
}

export const fileSource = (path: string): LogSource => ({
  name: path,
  chunks: () => (path.endsWith('.gz') ? decompressed(path) : fileChunks(path)),
});

export const streamSource = (name: string, stream: AsyncIterable<Buffer>): LogSource => ({
  name,
  chunks: () => stream,
});

/** Strings of larger chunks would live in V8's large object space, where garbage collection is expensive. */
const chunkBytes = 1 << 16;

/** Synchronous: nothing else runs meanwhile, and asynchronous reads take longer than the reading itself. */
async function* fileChunks(path: string): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (let bytes = -1; bytes !== 0;) {
      bytes = readSync(file.fd, buffer);
      yield buffer.subarray(0, bytes);
    }
  } finally {
    await file.close();
  }
}

// The stream that is returned reports the failures of both.
const decompressed = (path: string): AsyncIterable<Buffer> =>
  pipeline(createReadStream(path), createGunzip({ chunkSize: chunkBytes }), () => undefined);
