/**
 * The thread that reads what the kernel says of every commit: its reads block. Entry of a bundle of its own; it inherits
 * the network namespace of the thread that starts it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { tablesGroup } from '../netlink/nf-tables.js';
import { errnoOf, openNetlinkSocket, type NetlinkSocket } from '../netlink/socket.js';
import { CommitDecoder } from './commit-decoder.js';
import type { EventWorkerData, EventWorkerMessage } from './worker-messages.js';

/** Bytes: some 20,000 events that wait to be read. */
const socketBuffer = 8 * 1024 * 1024;
const datagramSize = 128 * 1024;
/** How long a read waits, and so how long closing takes at most, in milliseconds. */
const readWithin = 250;

const post = (message: EventWorkerMessage): void => parentPort?.postMessage(message);

function readUntil(stop: Int32Array, socket: NetlinkSocket): void {
  const decoder = new CommitDecoder();
  const into = Buffer.alloc(datagramSize);
  while (Atomics.load(stop, 0) === 0) {
    const read = socket.receive(into, true);
    if (read >= 0) {
      for (const commit of decoder.add(into.subarray(0, read))) post({ kind: 'commit', commit });
      if (decoder.takeGap()) post({ kind: 'lost' });
    } else if (read === -errnoOf.ENOBUFS) {
      decoder.forget();
      post({ kind: 'lost' });
    } else if (read !== -errnoOf.EAGAIN && read !== -errnoOf.EINTR)
      throw new Error(`reading the kernel's events: errno ${-read}`);
  }
}

try {
  using socket = await openNetlinkSocket({ buffer: socketBuffer, readWithin, groups: [tablesGroup] });
  post({ kind: 'open' });
  readUntil(new Int32Array((workerData as EventWorkerData).stop), socket);
} catch (error) {
  post({ kind: 'unavailable', reason: error instanceof Error ? error.message : String(error) });
}
