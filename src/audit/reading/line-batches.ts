/** The lines of a stream of bytes, in batches: handing over single lines would cost more than reading them. */
import { isAscii } from 'node:buffer';

export interface LineBatch {
  /** Number of the first one, from 1. */
  readonly first: number;
  /** Each line with its newline; empty for no line. */
  readonly text: string;
  /** The bytes of the text, where each character is one byte; valid until the next batch is asked for. */
  readonly bytes?: DataView;
}

const newline = 0x0a;

/** In bytes. A longer line is no record: it is cut, so that memory stays bounded. */
const maxLineBytes = 1 << 20;

/** Chunks may be reused. The last line needs no newline. */
export async function* lineBatches(chunks: AsyncIterable<Buffer>): AsyncGenerator<LineBatch> {
  const cutter = new LineCutter();
  for await (const chunk of chunks) yield* cutter.take(chunk);
  yield* cutter.end();
}

export class LineCutter {
  #next = 1;
  /** The beginning of a line whose end has not been read. */
  #partial: Buffer[] = [];
  #bytes = 0;

  /** The lines that end in `chunk`. */
  take(chunk: Buffer): readonly LineBatch[] {
    const first = chunk.indexOf(newline);
    if (first < 0) {
      this.#keep(chunk);
      return [];
    }
    this.#keep(chunk.subarray(0, first));
    const completed = this.#batch(this.#takePartial(), 1);
    const whole = chunk.subarray(first + 1, chunk.lastIndexOf(newline) + 1);
    this.#keep(chunk.subarray(first + 1 + whole.length));
    return whole.length === 0 ? [completed] : [completed, this.#wholeLines(whole)];
  }

  /** The last line, when it has no newline. */
  end(): readonly LineBatch[] {
    return this.#bytes === 0 ? [] : [this.#batch(this.#takePartial(), 1)];
  }

  emptyBatch(): LineBatch {
    return { first: this.#next, text: '' };
  }

  #keep(part: Buffer): void {
    if (part.length === 0 || this.#bytes > maxLineBytes) return;
    this.#partial.push(Buffer.from(part));
    this.#bytes += part.length;
  }

  #takePartial(): string {
    const text = Buffer.concat(this.#partial).toString('utf8');
    this.#partial = [];
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
