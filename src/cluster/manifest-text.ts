import { createReadStream } from 'node:fs';
import { decode, type Decoded } from '../manifests/decode.js';
import { limits } from '../manifests/limits.js';

/** Rejects with the file system's errors; what is wrong with the content is in the answer. */
export const readManifestText = (path: string): Promise<Decoded> => decoded(createReadStream(path), path);

/** Of a stream, which may never end: no more than is believed to be a manifest is read. */
export async function decoded(stream: AsyncIterable<unknown>, name: string): Promise<Decoded> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > limits.bytes) {
      const message = `more than ${limits.bytes / 1024 / 1024} MB: split it`;
      return { ok: false, error: { file: name, line: 1, column: 1, message, isDuplicateKey: false } };
    }
    chunks.push(bytes);
  }
  return decode(Buffer.concat(chunks), name);
}
