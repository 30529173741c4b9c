import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { NflogError } from './nflog-errors.js';
import type { GroupSettings } from './netlink-messages.js';
import type { ObservedBatch } from '../../model/observation.js';
import { controlOf, type NflogWorkerData, type NflogWorkerMessage } from './worker-messages.js';

export interface NflogOptions {
  /** NFLOG group; it has one reader at a time. */
  readonly group: number;
  readonly onBatch: (batch: ObservedBatch) => void;
  /** Whether other work of this thread is under way, that packets should not keep waiting. */
  readonly isBusy?: () => boolean;
  /** The reader failed for good. */
  readonly onFailure: (error: NflogError) => void;
  /** The worker's bundle. */
  readonly worker: URL;
}

/** Reads until it is disposed. */
export interface NflogReader extends AsyncDisposable {
  /** Resolves when all that was logged before this call has been handed over; false when the reader has ended. */
  drained(): Promise<boolean>;
}

const packetsInSlice = 64;

const settings: Omit<GroupSettings, 'group'> = { copyRange: 128, bufferSize: 64 * 1024, threshold: 64, timeout: 10 };

/**
 * Becomes the reader of an NFLOG group of this network namespace.
 * @throws NflogError
 */
export async function openNflog(options: NflogOptions): Promise<NflogReader> {
  const reader = new WorkerReader(options);
  await reader.opened;
  return reader;
}

class WorkerReader implements NflogReader {
  readonly opened: Promise<void>;
  readonly #options: NflogOptions;
  readonly #worker: Worker;
  readonly #control = new Int32Array(new SharedArrayBuffer(8));
  readonly #ended: Promise<void>;
  readonly #asks = new Map<number, (drained: boolean) => void>();
  #asked = 0;
  #settle: { readonly resolve: () => void; readonly reject: (error: NflogError) => void } | undefined;
  #over = false;
  readonly #messages: NflogWorkerMessage[] = [];
  #isReceiving = false;
  #received: Promise<void> = Promise.resolve();

  constructor(options: NflogOptions) {
    this.#options = options;
    const workerData: NflogWorkerData = {
      settings: { ...settings, group: options.group },
      control: this.#control.buffer,
    };
    this.#worker = new Worker(options.worker, { workerData });
    this.opened = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.#worker.on('message', (message: NflogWorkerMessage) => this.#queueUp(message));
    this.#worker.on('error', (error) => this.#fail(new NflogError('failed', error.message, { cause: error })));
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    this.#ended = exited.then(() => this.#received).then(() => this.#end());
  }

  drained(): Promise<boolean> {
    if (this.#over) return Promise.resolve(false);
    this.#asked += 1;
    const ask = this.#asked;
    return new Promise((resolve) => {
      this.#asks.set(ask, resolve);
      Atomics.store(this.#control, controlOf.ask, ask);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Atomics.store(this.#control, controlOf.stop, 1);
    await this.#ended;
  }

  /** In order; a slice at a time, and other events after each, while there is other work. */
  #queueUp(message: NflogWorkerMessage): void {
    this.#messages.push(...(message.kind === 'batch' ? slicesOf(message.batch) : [message]));
    if (this.#isReceiving) return;
    this.#isReceiving = true;
    this.#received = this.#receiveAll();
  }

  async #receiveAll(): Promise<void> {
    for (let next = this.#messages.shift(); next !== undefined; next = this.#messages.shift()) {
      this.#receive(next);
      if (this.#options.isBusy?.() === true) await setImmediate();
    }
    this.#isReceiving = false;
  }

  #receive(message: NflogWorkerMessage): void {
    switch (message.kind) {
      case 'open':
        this.#settle?.resolve();
        this.#settle = undefined;
        return;
      case 'batch':
        this.#options.onBatch(message.batch);
        return;
      case 'drained':
        // The answer to a later request answers the earlier ones as well.
        for (const [ask, resolve] of this.#asks) if (ask <= message.ask) this.#answer(ask, resolve, true);
        return;
      case 'failed':
        this.#fail(new NflogError(message.reason, message.message));
    }
  }

  #answer(ask: number, resolve: (drained: boolean) => void, drained: boolean): void {
    this.#asks.delete(ask);
    resolve(drained);
  }

  #fail(error: NflogError): void {
    if (this.#settle !== undefined) this.#settle.reject(error);
    else this.#options.onFailure(error);
    this.#settle = undefined;
  }

  #end(): void {
    this.#over = true;
    for (const [ask, resolve] of this.#asks) this.#answer(ask, resolve, false);
  }
}

/** The same packets; what was missed before them comes first. */
function slicesOf({ observations, ...rest }: ObservedBatch): readonly NflogWorkerMessage[] {
  const slices: NflogWorkerMessage[] = [];
  for (let start = 0; start === 0 || start < observations.length; start += packetsInSlice) {
    const slice = observations.slice(start, start + packetsInSlice);
    slices.push({ kind: 'batch', batch: { ...(start === 0 ? rest : { unreadable: 0 }), observations: slice } });
  }
  return slices;
}
