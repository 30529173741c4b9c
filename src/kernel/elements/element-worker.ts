/**
 * The thread that writes elements to the kernel and reads counters: the calls block. Entry of a bundle of its own; it inherits the network
 * namespace of the thread that starts it.
 */
import { parentPort } from 'node:worker_threads';
import { openElementSocket } from './element-socket.js';
import type { ElementWorkerMessage, WorkerRequest } from './worker-messages.js';

const post = (message: ElementWorkerMessage): void => parentPort?.postMessage(message);

try {
  const socket = await openElementSocket();
  parentPort?.on('message', (request: WorkerRequest) => {
    const { id } = request;
    if (request.kind === 'read counters') post({ kind: 'counters', id, counters: socket.counters(request.table) });
    else {
      const { buffer, byteOffset, length } = request.batch;
      post({ kind: 'outcome', id, outcome: socket.write(Buffer.from(buffer, byteOffset, length)) });
    }
  });
  post({ kind: 'open' });
} catch (error) {
  post({ kind: 'unavailable', reason: error instanceof Error ? error.message : String(error) });
}
