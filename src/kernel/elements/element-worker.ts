/**
 * The thread that writes elements to the kernel, and reads elements and counters: the calls block. Entry of a bundle of its
 * own; it inherits the network namespace of the thread that starts it. A set is read in pieces, so that a write waits for
 * one of them at most.
 */
import { parentPort } from 'node:worker_threads';
import { openElementSocket } from './element-socket.js';
import type { ElementWorkerMessage, ElementsPiece, WorkerRequest } from './worker-messages.js';

const post = (message: ElementWorkerMessage): void => parentPort?.postMessage(message);

try {
  const [socket, readSocket] = [await openElementSocket(), await openElementSocket()];
  let reading: Generator<ElementsPiece, void> | undefined;
  const answer = (request: WorkerRequest): ElementWorkerMessage => {
    const { id } = request;
    switch (request.kind) {
      case 'write': {
        const { buffer, byteOffset, length } = request.batch;
        return { kind: 'outcome', id, outcome: socket.write(Buffer.from(buffer, byteOffset, length)) };
      }
      case 'read counters':
        return { kind: 'counters', id, counters: socket.counters(request.table) };
      case 'read elements':
        // One that was given up is still on its way.
        while (reading?.next().done === false);
        reading = readSocket.elements(request.table, request.form);
        return { kind: 'elements', id, piece: nextPiece() };
      case 'read more':
        return { kind: 'elements', id, piece: nextPiece() };
    }
  };
  const nextPiece = (): ElementsPiece => reading?.next().value ?? { elements: [], end: 'unavailable' };
  parentPort?.on('message', (request: WorkerRequest) => post(answer(request)));
  post({ kind: 'open' });
} catch (error) {
  post({ kind: 'unavailable', reason: error instanceof Error ? error.message : String(error) });
}
