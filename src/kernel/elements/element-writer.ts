import { Worker } from 'node:worker_threads';
import { NftError } from '../../nftables/language/nftables.js';
import type { ElementWorkerMessage, WriteOutcome, WriteRequest } from './worker-messages.js';

/** Writes batches of elements to the kernel without nft, which reads the whole table before each. */
export interface ElementWriter extends AsyncDisposable {
  /**
   * @returns whether the kernel has taken the batch; otherwise nothing changed, and nft should apply it
   * @throws NftError when the outcome is unknown
   */
  write(batch: Buffer): Promise<boolean>;
}

/**
 * Starts the thread, in the network namespace of the caller. It is ready later; until then, and for good where koffi or
 * the socket cannot be had, it writes nothing.
 * @param onUnavailable hears why
 */
export const startElementWriter = (worker: URL, onUnavailable: (reason: string) => void): ElementWriter =>
  new WorkerWriter(worker, onUnavailable);

/** Megabytes: a batch is small, and a thread that needs more has failed. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };

class WorkerWriter implements ElementWriter {
  readonly #worker: Worker;
  readonly #onUnavailable: (reason: string) => void;
  readonly #waiting = new Map<number, (outcome: WriteOutcome) => void>();
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
    this.#count += 1;
    const request: WriteRequest = { id: this.#count, batch };
    const outcome = await new Promise<WriteOutcome>((resolve) => {
      this.#waiting.set(request.id, resolve);
      this.#worker.postMessage(request);
    });
    if (outcome.kind === 'unknown')
      throw new NftError('failed', `no answer from netlink (errno ${outcome.errno}): the outcome is unknown`);
    return outcome.kind === 'written';
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
      case 'answer':
        this.#waiting.get(message.id)?.(message.outcome);
        this.#waiting.delete(message.id);
    }
  }

  #end(reason: string): void {
    if (!this.#isClosing) this.#onUnavailable(reason);
    this.#isClosing = true;
    this.#isOpen = false;
    for (const settle of this.#waiting.values()) settle({ kind: 'unknown', errno: 0 });
    this.#waiting.clear();
  }
}
