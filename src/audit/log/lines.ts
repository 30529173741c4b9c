/** Lines of a stream of bytes, in batches: one at a time would cost more than what is done with them. */

export interface LineBatch {
  /** Number of the first one, from 1. */
  readonly first: number;
  readonly lines: readonly string[];
}

const newline = 0x0a;

/** In bytes; what is longer is no record, and is cut so that memory stays bounded. */
const longestLine = 1 << 20;

/** A batch for each chunk that ends a line; the last line need not end. A chunk is not kept. */
export async function* lineBatches(chunks: AsyncIterable<Buffer>): AsyncGenerator<LineBatch> {
  const cutter = new LineCutter();
  for await (const chunk of chunks) {
    const batch = cutter.take(chunk);
    if (batch !== undefined) yield batch;
  }
  const rest = cutter.end();
  if (rest !== undefined) yield rest;
}

export class LineCutter {
  #next = 1;
  /** Of a line that has not ended. */
  #begun: Buffer[] = [];
  #bytes = 0;

  /** The lines that `chunk` ends. */
  take(chunk: Buffer): LineBatch | undefined {
    const first = chunk.indexOf(newline);
    if (first < 0) {
      this.#keep(chunk);
      return undefined;
    }
    const last = chunk.lastIndexOf(newline);
    this.#keep(chunk.subarray(0, first));
    const begun = this.#takeBegun();
    this.#keep(chunk.subarray(last + 1));
    const whole = last === first ? [] : chunk.toString('utf8', first + 1, last).split('\n');
    return this.#batch([begun, ...whole]);
  }

  /** What was begun, and never ended. */
  end(): LineBatch | undefined {
    return this.#bytes === 0 ? undefined : this.#batch([this.#takeBegun()]);
  }

  nothing(): LineBatch {
    return this.#batch([]);
  }

  #keep(part: Buffer): void {
    if (part.length === 0 || this.#bytes > longestLine) return;
    this.#begun.push(Buffer.from(part));
    this.#bytes += part.length;
  }

  #takeBegun(): string {
    const text = Buffer.concat(this.#begun).toString('utf8');
    this.#begun = [];
    this.#bytes = 0;
    return text;
  }

  #batch(lines: readonly string[]): LineBatch {
    const first = this.#next;
    this.#next += lines.length;
    return { first, lines };
  }
}
