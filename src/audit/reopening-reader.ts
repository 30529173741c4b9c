import type { ObservedBatch } from '../model/observation.js';
import { messageOf } from '../generic/message-of.js';

/** Who receives what the kernel logs; see kernel/nflog. */
export interface PacketReader extends AsyncDisposable {
  drained(): Promise<boolean>;
}

/** Rejects when packets cannot be received now. */
export type OpenReader = (
  onBatch: (batch: ObservedBatch) => void,
  onFailure: (error: Error) => void,
) => Promise<PacketReader>;

export interface ReopeningReaderParts {
  readonly openReader: OpenReader;
  readonly onBatch: (batch: ObservedBatch) => void;
  readonly log: { error(fields: object, message: string): void };
}

/** Milliseconds until what failed is tried again. */
const reopenAfter = 10_000;

/** A reader that is opened again when it fails: what comes by meanwhile is counted by the kernel. */
export class ReopeningReader implements AsyncDisposable {
  readonly #parts: ReopeningReaderParts;
  #reader: PacketReader | undefined;
  #opening: Promise<void> = Promise.resolve();
  #closing = false;

  constructor(parts: ReopeningReaderParts) {
    this.#parts = parts;
  }

  get isReading(): boolean {
    return this.#reader !== undefined;
  }

  /** Resolves also where it cannot be opened yet. */
  open(): Promise<void> {
    this.#opening = this.#open();
    return this.#opening;
  }

  /** Whether all that the kernel has logged by now was received. */
  async drained(): Promise<boolean> {
    return (await this.#reader?.drained()) ?? false;
  }

  /** No further attempt to open it is made. */
  async settled(): Promise<void> {
    this.#closing = true;
    await this.#opening;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settled();
    await this.#reader?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<void> {
    const { openReader, onBatch, log } = this.#parts;
    try {
      this.#reader = await openReader(onBatch, (error) => {
        log.error({ error: error.message }, 'denials are no longer recorded');
        this.#reader = undefined;
        this.#reopenLater();
      });
    } catch (error) {
      log.error({ error: messageOf(error) }, 'denials are not recorded, only counted');
      this.#reopenLater();
    }
  }

  #reopenLater(): void {
    if (this.#closing) return;
    setTimeout(() => {
      if (!this.#closing) void this.open();
    }, reopenAfter).unref();
  }
}
