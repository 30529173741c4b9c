const newline = 0x0a;

/** Cuts a stream of bytes into lines; a line that is cut by chunks is put together once, at its end. */
export class LineSplitter {
  readonly #onLine: (line: Buffer) => void;
  #parts: Buffer[] = [];

  constructor(onLine: (line: Buffer) => void) {
    this.#onLine = onLine;
  }

  take(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      this.#emit(chunk.subarray(from, at));
      from = at + 1;
    }
    if (from < chunk.length) this.#parts.push(chunk.subarray(from));
  }

  /** What follows the last newline. */
  end(): void {
    this.#emit(Buffer.alloc(0));
  }

  #emit(last: Buffer): void {
    const line = this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    if (line.length > 0) this.#onLine(line);
  }
}
