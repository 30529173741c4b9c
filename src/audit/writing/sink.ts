/** A queue of lines in front of an output. The writer never waits: it asks whether there is room, and counts what has none. */

export interface LineOutput {
  /** Writes all of it or nothing. */
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

interface SinkOptions {
  /** Characters that the queue holds. */
  readonly capacity: number;
  /** Milliseconds until a failed write is tried again. */
  readonly retryAfter: number;
  /** Milliseconds without a failure after which writing works again: a disk that is nearly full fails again and again. */
  readonly settledAfter: number;
  /** Called with the error when writing begins to fail, and with undefined when it works again. */
  readonly onWriteState: (error: unknown) => void;
}

interface Line {
  readonly text: string;
  readonly onWritten: () => void;
}

/** Characters that are written at once. After a failure it is one line, then more and more: a full disk takes what fits. */
const largestChunk = 256 * 1024;
const growth = 4;

export class Sink implements AsyncDisposable {
  readonly #output: LineOutput;
  readonly #options: SinkOptions;
  #lines: Line[] = [];
  #waiting = 0;
  #running: Promise<void> | undefined;
  #chunkSize = largestChunk;
  /** Of the last write. */
  #hasFailed = false;
  /** As it was reported. */
  #isFailing = false;
  #settling: NodeJS.Timeout | undefined;
  #closing = false;
  #wake: (() => void) | undefined;

  constructor(output: LineOutput, options: SinkOptions) {
    this.#output = output;
    this.#options = options;
  }

  get hasRoom(): boolean {
    return !this.#closing && this.#waiting < this.#options.capacity;
  }

  /** Whether writing fails, until it has worked for a while. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Ask `hasRoom` first. @param onWritten called when the output has the line */
  write(text: string, onWritten: () => void): void {
    this.#lines.push({ text, onWritten });
    this.#waiting += text.length;
    this.#running ??= this.#run();
  }

  /** Resolves when the output has every line, or when writing fails. */
  async settled(): Promise<void> {
    while (this.#running !== undefined && !this.#hasFailed) await Promise.race([this.#running, pause(20)]);
  }

  /** Tries once more to write the queue. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#wake?.();
    await this.#running;
    clearTimeout(this.#settling);
    await this.#output.close();
  }

  async #run(): Promise<void> {
    while (this.#lines.length > 0) {
      if (await this.#writeSome()) continue;
      if (this.#closing) break;
      await this.#waitToRetry();
    }
    this.#running = undefined;
  }

  /** False when not even one line could be written. */
  async #writeSome(): Promise<boolean> {
    const chunk = this.#nextChunk();
    try {
      await this.#output.write(chunk.map(({ text }) => text).join(''));
    } catch (error) {
      this.#chunkSize = 1;
      // One line may fit where many do not.
      if (chunk.length > 1) return true;
      this.#noteFailure(error);
      return false;
    }
    this.#chunkSize = Math.min(this.#chunkSize * growth, largestChunk);
    this.#noteSuccess();
    this.#lines = this.#lines.slice(chunk.length);
    for (const { text, onWritten } of chunk) {
      this.#waiting -= text.length;
      onWritten();
    }
    return true;
  }

  #nextChunk(): readonly Line[] {
    let size = 0;
    const end = this.#lines.findIndex(({ text }) => (size += text.length) > this.#chunkSize);
    // A copy: lines are added while it is written.
    return this.#lines.slice(0, end === -1 ? undefined : Math.max(end, 1));
  }

  #noteFailure(error: unknown): void {
    this.#hasFailed = true;
    clearTimeout(this.#settling);
    this.#settling = undefined;
    if (!this.#isFailing) this.#options.onWriteState(error);
    this.#isFailing = true;
  }

  #noteSuccess(): void {
    this.#hasFailed = false;
    if (!this.#isFailing || this.#settling !== undefined) return;
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      this.#isFailing = false;
      this.#options.onWriteState(undefined);
    }, this.#options.settledAfter).unref();
  }

  async #waitToRetry(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#options.retryAfter);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A stream such as standard output. */
export const streamOutput = (stream: NodeJS.WritableStream): LineOutput => ({
  write: (text) =>
    new Promise((resolve, reject) => {
      stream.write(text, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    }),
  close: () => Promise.resolve(),
});
