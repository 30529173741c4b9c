import { Worker } from 'node:worker_threads';
import { NftError } from '../../nftables/language/nftables.js';
import type { TableName } from '../../nftables/language/types.js';
import type { ElementWorkerMessage, ReadCounters, WorkerRequest, WriteOutcome } from './worker-messages.js';

/** Writes batches of elements to the kernel, and reads counters, without nft, which reads whole tables before each. */
export interface ElementWriter extends AsyncDisposable {
  /**
   * @returns whether the kernel has taken the batch; otherwise nothing changed, and nft should apply it
   * @throws NftError when the outcome is unknown
   */
  write(batch: Buffer): Promise<boolean>;
  /** Packets of a table's named counters; none where there is no such table. Undefined when nft should be asked. */
  counters(table: TableName): Promise<ReadonlyMap<string, number> | undefined>;
}

/**
 * Starts the thread, in the network namespace of the caller. It is ready later; until then, and for good where koffi or
 * the socket is missing, it writes nothing.
 * @param onUnavailable hears why
 */
export const startElementWriter = (worker: URL, onUnavailable: (reason: string) => void): ElementWriter =>
  new WorkerWriter(worker, onUnavailable);

/** Megabytes: a batch is small, and a thread that needs more has failed. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };

class WorkerWriter implements ElementWriter {
  readonly #worker: Worker;
  readonly #onUnavailable: (reason: string) => void;
  readonly #writes = new Map<number, (outcome: WriteOutcome) => void>();
  readonly #readings = new Map<number, (counters: ReadCounters) => void>();
  #isOpen = false;
  #isClosing = false;
  #count = 0;

  constructor(worker: URL, onUnavailable: (reason: string) => void) {
    this.#onUnavailable = onUnavailable;
    this.#worker = new Worker(worker, { resourceLimits });
    this.#worker.on('message', (message: ElementWorkerMessage) => this.#receive(message));
    this.#worker.on('error', (error) => this.#end(error.message));
    this.#worker.once('exit', () => this.#end('its thread ended'));
  }

  async write(batch: Buffer): Promise<boolean> {
    if (!this.#isOpen) return false;
    const outcome = await this.#asked(this.#writes, (id) => ({ kind: 'write', id, batch }));
    if (outcome.kind === 'unknown')
      throw new NftError('failed', `no answer from netlink (errno ${outcome.errno}): the outcome is unknown`);
    return outcome.kind === 'written';
  }

  async counters(table: TableName): Promise<ReadonlyMap<string, number> | undefined> {
    if (!this.#isOpen) return undefined;
    const read = await this.#asked(this.#readings, (id) => ({ kind: 'read counters', id, table }));
    return read && new Map(read);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#isOpen = false;
    await this.#worker.terminate();
  }

  #receive(message: ElementWorkerMessage): void {
    switch (message.kind) {
      case 'open':
        this.#isOpen = true;
        return;
      case 'unavailable':
        this.#end(message.reason);
        return;
      case 'outcome':
        this.#writes.get(message.id)?.(message.outcome);
        this.#writes.delete(message.id);
        return;
      case 'counters':
        this.#readings.get(message.id)?.(message.counters);
        this.#readings.delete(message.id);
    }
  }

  #asked<T>(waiting: Map<number, (answer: T) => void>, requestOf: (id: number) => WorkerRequest): Promise<T> {
    this.#count += 1;
    const id = this.#count;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      this.#worker.postMessage(requestOf(id));
    });
  }

  #end(reason: string): void {
    if (!this.#isClosing) this.#onUnavailable(reason);
    this.#isClosing = true;
    this.#isOpen = false;
    for (const settle of this.#writes.values()) settle({ kind: 'unknown', errno: 0 });
    for (const settle of this.#readings.values()) settle(undefined);
    this.#writes.clear();
    this.#readings.clear();
  }
}
