import { lineBatches, type LineBatch } from './line-batches.js';
import { LineReader, MalformedLine } from './line-reader.js';
import type { LogSource } from './log-sources.js';

/** Where a line stands. */
export interface LinePosition {
  readonly source: string;
  /** From 1. */
  readonly line: number;
}

export interface MalformedLineReport extends LinePosition {
  readonly message: string;
}

/** False ends the scan. */
export type Visit = (line: LineReader, place: LinePosition) => boolean;

const mostKept = 5;

/** Shows every record of a log to a visitor, and accounts for what is none. Memory does not grow with the log. */
export class Scan {
  readonly #reader = new LineReader();
  readonly #visit: Visit;
  readonly #malformed: MalformedLineReport[] = [];
  readonly #unread: { readonly source: string; readonly message: string }[] = [];
  records = 0;
  malformedLines = 0;

  constructor(visit: Visit) {
    this.#visit = visit;
  }

  /** The first few. */
  get malformed(): readonly MalformedLineReport[] {
    return this.#malformed;
  }

  /** Sources that could not be read to their end. */
  get unread(): readonly { readonly source: string; readonly message: string }[] {
    return this.#unread;
  }

  async read(sources: Iterable<LogSource>): Promise<void> {
    for await (const step of this.steps(sources)) if (step === 'enough') return;
  }

  /** The same, with a rest after each batch. */
  async *steps(sources: Iterable<LogSource>): AsyncGenerator<'more' | 'enough'> {
    for (const { name, chunks } of sources)
      try {
        for await (const batch of lineBatches(chunks())) {
          const isWanted = this.takeBatch(name, batch);
          yield isWanted ? 'more' : 'enough';
          if (!isWanted) return;
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === undefined) throw error;
        this.#unread.push({ source: name, message: (error as Error).message });
      }
  }

  /** False when the visitor has seen enough. */
  takeBatch(source: string, { first, text, bytes }: LineBatch): boolean {
    this.#reader.open(text, bytes);
    let line = first;
    for (let start = 0, end; start < text.length; start = end + 1, line += 1) {
      end = text.indexOf('\n', start);
      if (end === start) continue;
      try {
        const isWanted = this.#visit(this.#reader.takeLine(start, end), { source, line });
        this.records += 1;
        if (!isWanted) return false;
      } catch (error) {
        if (!(error instanceof MalformedLine)) throw error;
        this.malformedLines += 1;
        if (this.#malformed.length < mostKept) this.#malformed.push({ source, line, message: error.message });
      }
    }
    return true;
  }
}
