/** Where a log's bytes come from. */
import { createReadStream, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface LogSource {
  /** As messages name it. */
  readonly name: string;
  /** Each chunk stands until the next is asked for. */
  readonly chunks: () => AsyncIterable<Buffer>;
}

export const fileSource = (path: string): LogSource => ({
  name: path,
  chunks: () => (path.endsWith('.gz') ? unpacked(path) : fileChunks(path)),
});

export const streamSource = (name: string, stream: AsyncIterable<Buffer>): LogSource => ({
  name,
  chunks: () => stream,
});

/** Strings of more live where collecting them is dear. */
const chunkBytes = 1 << 16;

/** Synchronous: nothing else happens meanwhile, and a thread for every read takes longer than the reading. */
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

// The stream that is read reports the failure of either.
const unpacked = (path: string): AsyncIterable<Buffer> =>
  pipeline(createReadStream(path), createGunzip({ chunkSize: chunkBytes }), () => undefined);
