/**
 * The thread that writes elements to the kernel: the calls block. Entry of a bundle of its own; it inherits the network
 * namespace of the thread that starts it.
 */
import { parentPort } from 'node:worker_threads';
import { openElementSocket } from './element-socket.js';
import type { ElementWorkerMessage, WriteRequest } from './worker-messages.js';

const post = (message: ElementWorkerMessage): void => parentPort?.postMessage(message);

try {
  const socket = await openElementSocket();
  parentPort?.on('message', ({ id, batch }: WriteRequest) =>
    post({ kind: 'answer', id, outcome: socket.write(Buffer.from(batch.buffer, batch.byteOffset, batch.length)) }),
  );
  post({ kind: 'open' });
} catch (error) {
  post({ kind: 'unavailable', reason: error instanceof Error ? error.message : String(error) });
}
