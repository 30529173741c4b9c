import { Worker } from 'node:worker_threads';
import type { Element } from '../../nftables/language/command.js';
import { NftError } from '../../nftables/language/nftables.js';
import type { SetForm, TableName } from '../../nftables/language/types.js';
import type { ElementWorkerMessage, ElementsRead, WorkerRequest } from './worker-messages.js';

/** Writes batches of elements to the kernel, and reads elements and counters, without nft, which reads whole tables. */
export interface ElementWriter extends AsyncDisposable {
  /**
   * @returns whether the kernel has taken the batch; otherwise nothing changed, and nft should apply it
   * @throws NftError when the outcome is unknown
   */
  write(batch: Buffer): Promise<boolean>;
  /** Packets of a table's named counters; none where there is no such table. Undefined when nft should be asked. */
  counters(table: TableName): Promise<ReadonlyMap<string, number> | undefined>;
  /**
   * Reads a set, also one of elements with a timeout, one set after another. An element may come twice, and another not at
   * all, when the kernel moves them to a larger hash table meanwhile, which it does soon after many were added.
   * @param onPiece hears some thousand at a time; the kernel is asked for the next when it has returned, and not any more
   *   when it throws, which ends this too. Keys are as in NftSet, but for protocols that we never write: those are numbers
   * @returns what the elements are worth that it heard. At the latest five seconds after the last piece
   */
  elements(table: TableName, form: SetForm, onPiece: (elements: readonly Element[]) => void): Promise<ElementsRead>;
}

/**
 * Starts the thread, in the network namespace of the caller. It is ready later; until then it writes nothing and a reading
 * waits; for good where koffi or the socket is missing, it writes and reads nothing.
 * @param onUnavailable hears why
 */
export const startElementWriter = (worker: URL, onUnavailable: (reason: string) => void): ElementWriter =>
  new WorkerWriter(worker, onUnavailable);

/** Megabytes: a batch is small, as is a piece of a set, and a thread that needs more has failed. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };

/** Each has the number of its request. */
type Answer = Extract<ElementWorkerMessage, { readonly id: number }>;

class WorkerWriter implements ElementWriter {
  readonly #worker: Worker;
  readonly #onUnavailable: (reason: string) => void;
  readonly #waiting = new Map<number, (answer: Answer | undefined) => void>();
  #reading: Promise<unknown> = Promise.resolve();
  #isOpen = false;
  /** Or ended. */
  readonly #opened: Promise<void>;
  #settleOpened: () => void = () => undefined;
  #isClosing = false;
  #count = 0;

  constructor(worker: URL, onUnavailable: (reason: string) => void) {
    this.#onUnavailable = onUnavailable;
    this.#opened = new Promise((resolve) => (this.#settleOpened = resolve));
    this.#worker = new Worker(worker, { resourceLimits });
    this.#worker.on('message', (message: ElementWorkerMessage) => this.#receive(message));
    this.#worker.on('error', (error) => this.#end(error.message));
    this.#worker.once('exit', () => this.#end('its thread ended'));
  }

  async write(batch: Buffer): Promise<boolean> {
    if (!this.#isOpen) return false;
    const answer = await this.#asked((id) => ({ kind: 'write', id, batch }));
    const outcome = answer?.kind === 'outcome' ? answer.outcome : ({ kind: 'unknown', errno: 0 } as const);
    if (outcome.kind === 'unknown')
      throw new NftError('failed', `no answer from netlink (errno ${outcome.errno}): the outcome is unknown`);
    return outcome.kind === 'written';
  }

  async counters(table: TableName): Promise<ReadonlyMap<string, number> | undefined> {
    const answer = await this.#asked((id) => ({ kind: 'read counters', id, table }));
    return answer?.kind === 'counters' ? answer.counters && new Map(answer.counters) : undefined;
  }

  elements(table: TableName, form: SetForm, onPiece: (elements: readonly Element[]) => void): Promise<ElementsRead> {
    const read = this.#reading.then(async () => {
      await this.#opened;
      let answer = await this.#asked((id) => ({ kind: 'read elements', id, table, form }));
      while (answer?.kind === 'elements') {
        const { elements, end } = answer.piece;
        onPiece(elements);
        if (end !== undefined) return end;
        answer = await this.#asked((id) => ({ kind: 'read more', id }));
      }
      return 'unavailable';
    });
    this.#reading = read.catch(() => undefined);
    return read;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#isOpen = false;
    // A thread that is ended while it loads koffi ends the whole process.
    await this.#opened;
    await this.#worker.terminate();
  }

  #receive(message: ElementWorkerMessage): void {
    if (message.kind === 'open') {
      this.#isOpen = !this.#isClosing;
      this.#settleOpened();
    } else if (message.kind === 'unavailable') this.#end(message.reason);
    else {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    }
  }

  /** The answer; undefined where the thread is not open, or ends. */
  #asked(requestOf: (id: number) => WorkerRequest): Promise<Answer | undefined> {
    if (!this.#isOpen) return Promise.resolve(undefined);
    this.#count += 1;
    const id = this.#count;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#worker.postMessage(requestOf(id));
    });
  }

  #end(reason: string): void {
    if (!this.#isClosing) this.#onUnavailable(reason);
    this.#isClosing = true;
    this.#isOpen = false;
    this.#settleOpened();
    for (const settle of this.#waiting.values()) settle(undefined);
    this.#waiting.clear();
  }
}
