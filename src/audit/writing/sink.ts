/** Lines on their way out. Whoever writes never waits: what finds no room is told to the writer, who counts it. */

export interface LineOutput {
  /** Writes all of it or nothing. */
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

export interface SinkOptions {
  /** Characters that may wait. */
  readonly capacity: number;
  /** Milliseconds until what failed is tried again. */
  readonly retryAfter: number;
  /** Writing fails, and why; undefined when it works again. */
  readonly onWriteState: (error: unknown) => void;
}

interface Line {
  readonly text: string;
  readonly onWritten: () => void;
}

/** Characters that are written at once. */
const chunkSize = 256 * 1024;

export class Sink implements AsyncDisposable {
  readonly #output: LineOutput;
  readonly #options: SinkOptions;
  #lines: Line[] = [];
  #waiting = 0;
  #running: Promise<void> | undefined;
  #troubled = false;
  #closing = false;
  #wake: (() => void) | undefined;

  constructor(output: LineOutput, options: SinkOptions) {
    this.#output = output;
    this.#options = options;
  }

  get hasRoom(): boolean {
    return !this.#closing && this.#waiting < this.#options.capacity;
  }

  /** `onWritten` is called when the line has left. Ask `hasRoom` first. */
  write(text: string, onWritten: () => void): void {
    this.#lines.push({ text, onWritten });
    this.#waiting += text.length;
    this.#running ??= this.#run();
  }

  /** Resolves when all that was written has left, or when writing fails. */
  async settled(): Promise<void> {
    while (this.#running !== undefined && !this.#troubled) await Promise.race([this.#running, pause(20)]);
  }

  /** Tries once more to write what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#wake?.();
    await this.#running;
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

  async #writeSome(): Promise<boolean> {
    const chunk = this.#nextChunk();
    try {
      await this.#output.write(chunk.map(({ text }) => text).join(''));
    } catch (error) {
      this.#note(error);
      return false;
    }
    this.#note(undefined);
    this.#lines = this.#lines.slice(chunk.length);
    for (const { text, onWritten } of chunk) {
      this.#waiting -= text.length;
      onWritten();
    }
    return true;
  }

  #nextChunk(): readonly Line[] {
    let size = 0;
    const end = this.#lines.findIndex(({ text }) => (size += text.length) > chunkSize);
    // A copy: lines are added while it is written.
    return this.#lines.slice(0, end === -1 ? undefined : Math.max(end, 1));
  }

  #note(error: unknown): void {
    if (error === undefined && !this.#troubled) return;
    if (error === undefined || !this.#troubled) this.#options.onWriteState(error);
    this.#troubled = error !== undefined;
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
