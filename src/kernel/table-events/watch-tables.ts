import { Worker } from 'node:worker_threads';
import { SignOfLife } from '../children/sign-of-life.js';
import { makeSign, monitorTables, type MonitorOptions } from './nft-monitor.js';
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

/** One thread, as long as it is the one that is listened to. */
interface Thread {
  readonly worker: Worker;
  readonly stop: Int32Array;
  readonly ended: Promise<void>;
}

class EventWatch implements TableWatch {
  /** Resolves when commits are heard, one way or the other. */
  readonly ready: Promise<void>;
  readonly #options: WatchOptions;
  readonly #sign: SignOfLife;
  readonly #commits: Disposable;
  #thread: Thread;
  #settle: () => void = () => undefined;
  #isOpen = false;
  #hasOpened = false;
  #isClosing = false;
  #monitor: Disposable | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.ready = new Promise((resolve) => (this.#settle = resolve));
    this.#sign = new SignOfLife({ make: () => makeSign(options), onSilent: () => this.#restart() });
    this.#commits = options.client.ownCommits.onCommit((since) => this.#sign.expect(since));
    this.#thread = this.#start();
  }

  get hearsAll(): boolean {
    return this.#isOpen && this.#monitor === undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#sign[Symbol.dispose]();
    this.#commits[Symbol.dispose]();
    this.#monitor?.[Symbol.dispose]();
    Atomics.store(this.#thread.stop, 0, 1);
    await this.#thread.ended;
  }

  #start(): Thread {
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const workerData: EventWorkerData = { stop: stop.buffer };
    const worker = new Worker(this.#options.worker, { workerData, resourceLimits });
    const isCurrent = (): boolean => this.#thread.worker === worker;
    worker.on('message', (message: EventWorkerMessage) => isCurrent() && this.#receive(message));
    worker.on('error', (error) => isCurrent() && this.#fallBack(error.message));
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    void ended.then(() => isCurrent() && this.#fallBack('its thread ended'));
    return { worker, stop, ended };
  }

  /** It heard nothing of what it must have heard. */
  #restart(): void {
    const { worker, stop } = this.#thread;
    Atomics.store(stop, 0, 1);
    void worker.terminate();
    this.#options.onRestart?.({ child: 'event thread', reason: 'silent' });
    this.#isOpen = false;
    this.#thread = this.#start();
  }

  #receive(message: EventWorkerMessage): void {
    if (this.#isClosing) return;
    this.#sign.heard();
    const { client, onForeignChange } = this.#options;
    switch (message.kind) {
      case 'open':
        if (this.#hasOpened) onForeignChange({ text: 'the thread that hears commits was started again' });
        [this.#isOpen, this.#hasOpened] = [true, true];
        this.#sign.begin();
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
    this.#sign[Symbol.dispose]();
    this.#options.onUnavailable(why);
    this.#monitor = monitorTables(this.#options);
    // What happened since the last event is looked for.
    if (this.#hasOpened) this.#options.onForeignChange({ text: 'nft monitor was started' });
    this.#settle();
  }
}
