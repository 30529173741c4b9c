/** Where a log's bytes come from. */
import { createReadStream } from 'node:fs';
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

const readBytes = 1 << 20;
/** Strings of more live where collecting them is dear. */
const chunkBytes = 1 << 16;

async function* fileChunks(path: string): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(readBytes);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, readBytes);
      if (bytesRead === 0) return;
      for (let at = 0; at < bytesRead; at += chunkBytes)
        yield buffer.subarray(at, Math.min(bytesRead, at + chunkBytes));
    }
  } finally {
    await file.close();
  }
}

// The stream that is read reports the failure of either.
const unpacked = (path: string): AsyncIterable<Buffer> =>
  pipeline(createReadStream(path), createGunzip({ chunkSize: chunkBytes }), () => undefined);
