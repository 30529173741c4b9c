/** Lines of a stream of bytes, in batches: one at a time would cost more than what is done with them. */
import { isAscii } from 'node:buffer';

export interface LineBatch {
  /** Number of the first one, from 1. */
  readonly first: number;
  /** Each with a newline at its end; empty where there is none. */
  readonly text: string;
  /** The text's, where each character is one of them; they stand until the next batch is asked for. */
  readonly bytes?: DataView;
}

const newline = 0x0a;

/** In bytes; what is longer is no record, and is cut so that memory stays bounded. */
const longestLine = 1 << 20;

/** A chunk is not kept; the last line need not end. */
export async function* lineBatches(chunks: AsyncIterable<Buffer>): AsyncGenerator<LineBatch> {
  const cutter = new LineCutter();
  for await (const chunk of chunks) yield* cutter.take(chunk);
  yield* cutter.end();
}

export class LineCutter {
  #next = 1;
  /** Of a line that has not ended. */
  #begun: Buffer[] = [];
  #bytes = 0;

  /** The lines that `chunk` ends: the one that was begun before, and those within it. */
  take(chunk: Buffer): readonly LineBatch[] {
    const first = chunk.indexOf(newline);
    if (first < 0) {
      this.#keep(chunk);
      return [];
    }
    this.#keep(chunk.subarray(0, first));
    const begun = this.#batch(this.#takeBegun(), 1);
    const whole = chunk.subarray(first + 1, chunk.lastIndexOf(newline) + 1);
    this.#keep(chunk.subarray(first + 1 + whole.length));
    return whole.length === 0 ? [begun] : [begun, this.#wholeLines(whole)];
  }

  /** What was begun, and never ended. */
  end(): readonly LineBatch[] {
    return this.#bytes === 0 ? [] : [this.#batch(this.#takeBegun(), 1)];
  }

  nothing(): LineBatch {
    return { first: this.#next, text: '' };
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
    return `${text}\n`;
  }

  /** Nearly all is ASCII, which needs no decoding. */
  #wholeLines(lines: Buffer): LineBatch {
    const count = countOf(lines);
    if (!isAscii(lines)) return this.#batch(lines.toString('utf8'), count);
    const bytes = new DataView(lines.buffer, lines.byteOffset, lines.byteLength);
    return { ...this.#batch(lines.toString('latin1'), count), bytes };
  }

  #batch(text: string, lines: number): LineBatch {
    const first = this.#next;
    this.#next += lines;
    return { first, text };
  }
}

function countOf(lines: Buffer): number {
  let count = 0;
  for (let at = lines.indexOf(newline); at >= 0; at = lines.indexOf(newline, at + 1)) count += 1;
  return count;
}
