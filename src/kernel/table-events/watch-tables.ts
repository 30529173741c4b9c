import { Worker } from 'node:worker_threads';
import { monitorTables, type MonitorOptions } from './nft-monitor.js';
import type { EventWorkerData, EventWorkerMessage } from './worker-messages.js';

interface WatchOptions extends MonitorOptions {
  /** The bundle of the thread that reads the kernel's events. */
  readonly worker: URL;
  /** They cannot be read, and why: `nft monitor` takes the place. */
  readonly onUnavailable: (why: string) => void;
}

interface TableWatch extends AsyncDisposable {
  /** Whether every commit is heard, or reported as lost: then nothing has to be looked for. Of `nft monitor` that is not known. */
  readonly hearsAll: boolean;
}

/**
 * Reports every commit of another process to our tables, from when it resolves: by the kernel's own events, and by
 * `nft monitor` where koffi or the socket is missing. Elements that packets add to sets raise no event.
 */
export async function watchTables(options: WatchOptions): Promise<TableWatch> {
  const watch = new EventWatch(options);
  await watch.ready;
  return watch;
}

/** Megabytes: a thread that needs more has failed. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };

class EventWatch implements TableWatch {
  /** Resolves when commits are heard, one way or the other. */
  readonly ready: Promise<void>;
  readonly #options: WatchOptions;
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #ended: Promise<void>;
  #settle: () => void = () => undefined;
  #hasOpened = false;
  #isClosing = false;
  #monitor: Disposable | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.ready = new Promise((resolve) => (this.#settle = resolve));
    const workerData: EventWorkerData = { stop: this.#stop.buffer };
    const worker = new Worker(options.worker, { workerData, resourceLimits });
    worker.on('message', (message: EventWorkerMessage) => this.#receive(message));
    worker.on('error', (error) => this.#fallBack(error.message));
    this.#ended = new Promise((resolve) => worker.once('exit', () => resolve()));
    void this.#ended.then(() => this.#fallBack('its thread ended'));
  }

  get hearsAll(): boolean {
    return this.#hasOpened && this.#monitor === undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#monitor?.[Symbol.dispose]();
    Atomics.store(this.#stop, 0, 1);
    await this.#ended;
  }

  #receive(message: EventWorkerMessage): void {
    if (this.#isClosing) return;
    const { client, onForeignChange } = this.#options;
    switch (message.kind) {
      case 'open':
        this.#hasOpened = true;
        this.#settle();
        return;
      case 'unavailable':
        this.#fallBack(message.reason);
        return;
      case 'lost':
        onForeignChange({ text: 'events were lost' });
        return;
      case 'commit': {
        const { marks, ...change } = message.commit;
        if (!client.ownCommits.isOwn(marks)) onForeignChange(change);
      }
    }
  }

  #fallBack(why: string): void {
    if (this.#isClosing || this.#monitor !== undefined) return;
    this.#options.onUnavailable(why);
    this.#monitor = monitorTables(this.#options);
    // What happened since the last event is looked for.
    if (this.#hasOpened) this.#options.onForeignChange({ text: 'nft monitor was started' });
    this.#settle();
  }
}
