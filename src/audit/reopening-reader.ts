import type { ObservedBatch } from '../model/observation.js';
import { messageOf } from '../generic/message-of.js';

/** Receives what the kernel logs; see kernel/nflog. */
interface PacketReader extends AsyncDisposable {
  /** Resolves when everything that was logged before the call was received; false when the reader has ended. */
  drained(): Promise<boolean>;
}

/** Rejects when packets cannot be received now. */
export type OpenReader = (
  onBatch: (batch: ObservedBatch) => void,
  onFailure: (error: Error) => void,
) => Promise<PacketReader>;

interface ReopeningReaderParts {
  readonly openReader: OpenReader;
  readonly onBatch: (batch: ObservedBatch) => void;
  readonly log: { error(fields: object, message: string): void };
}

/** Milliseconds until a reader that failed is opened again. */
const reopenAfter = 10_000;

/** A reader that is opened again when it fails. Packets that arrive meanwhile are counted by the kernel. */
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

  /** Resolves also when it cannot be opened yet. */
  open(): Promise<void> {
    this.#opening = this.#open();
    return this.#opening;
  }

  /** Whether everything that the kernel has logged so far was received. */
  async drained(): Promise<boolean> {
    return (await this.#reader?.drained()) ?? false;
  }

  /** From now on a reader that fails stays closed. Resolves when an attempt to open it has ended. */
  async stopReopening(): Promise<void> {
    this.#closing = true;
    await this.#opening;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopReopening();
    await this.#reader?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<void> {
    const { openReader, onBatch, log } = this.#parts;
    try {
      this.#reader = await openReader(onBatch, (error) => {
        log.error({ error: error.message }, 'the audit log no longer receives packets; denials are only counted');
        this.#reader = undefined;
        this.#reopenLater();
      });
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the audit log cannot receive packets; denials are only counted');
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
