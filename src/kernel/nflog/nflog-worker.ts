/**
 * The thread that reads NFLOG: reads block, and decoding a flood must not delay enforcement. Entry of a bundle of its
 * own; it inherits the network namespace of the thread that starts it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { errnoOf, type NetlinkSocket } from '../netlink/socket.js';
import { NflogError } from './nflog-errors.js';
import { PacketDecoder } from './packet-decoder.js';
import { datagramSize, openSocket } from './nflog-socket.js';
import { controlOf, type NflogWorkerData, type NflogWorkerMessage } from './worker-messages.js';

/** Packets in one message at most, so that the other thread is never busy with one for long. */
const largestBatch = 2048;

const now = (): number => performance.timeOrigin + performance.now();

class Reader {
  readonly #socket: NetlinkSocket;
  readonly #control: Int32Array;
  readonly #reading: PacketDecoder;
  readonly #into = Buffer.alloc(datagramSize);
  #answered = 0;
  #asked = { number: 0, at: 0 };

  constructor(socket: NetlinkSocket, control: Int32Array) {
    this.#socket = socket;
    this.#control = control;
    this.#reading = new PacketDecoder((ifindex) => socket.deviceName(ifindex), now);
  }

  run(): void {
    while (Atomics.load(this.#control, controlOf.stop) === 0) {
      const number = Atomics.load(this.#control, controlOf.ask);
      if (number !== this.#asked.number) this.#asked = { number, at: now() };
      const anythingCame = this.#read();
      const batch = this.#reading.take();
      if (batch !== undefined) post({ kind: 'batch', batch });
      this.#answer(anythingCame);
    }
  }

  /** Waits for something, then takes what else is there. @returns whether anything came. */
  #read(): boolean {
    let length = this.#receive(true);
    if (length === undefined) return false;
    do this.#reading.add(this.#into.subarray(0, length));
    while (this.#reading.waiting < largestBatch && (length = this.#receive(false)) !== undefined);
    return true;
  }

  #receive(wait: boolean): number | undefined {
    for (;;) {
      const read = this.#socket.receive(this.#into, wait);
      if (read >= 0) return read;
      if (read === -errnoOf.EAGAIN || read === -errnoOf.EINTR) return undefined;
      // Packets were lost; the sequence number of the next one says how many.
      if (read !== -errnoOf.ENOBUFS) throw new NflogError('failed', `reading NFLOG: errno ${-read}`);
    }
  }

  /** Packets arrive in order: the queue is drained when one is younger than the request, or none came in a whole wait. */
  #answer(anythingCame: boolean): void {
    const { number, at } = this.#asked;
    if (number === this.#answered || (anythingCame && (this.#reading.lastTime ?? 0) <= at)) return;
    this.#answered = number;
    post({ kind: 'drained', ask: number });
  }
}

const post = (message: NflogWorkerMessage): void => parentPort?.postMessage(message);

const { settings, control } = workerData as NflogWorkerData;
try {
  using socket = await openSocket(settings);
  post({ kind: 'open' });
  new Reader(socket, new Int32Array(control)).run();
} catch (error) {
  if (!(error instanceof NflogError)) throw error;
  post({ kind: 'failed', reason: error.reason, message: error.message });
}
