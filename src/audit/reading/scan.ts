import { lineBatches, type LineBatch } from './line-batches.js';
import { LineReader, MalformedLine } from './line-reader.js';
import type { LogSource } from './log-sources.js';

/** Position of a line in its source. */
interface LinePosition {
  readonly source: string;
  /** From 1. */
  readonly line: number;
}

export interface MalformedLineReport extends LinePosition {
  readonly message: string;
}

/** False ends the scan. */
type Visit = (line: LineReader, place: LinePosition) => boolean;

/** Malformed lines that are kept for messages. */
const maxReported = 5;

/** Shows every record of a log to a visitor and counts the lines that are no record. Memory does not grow with the log. */
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

  /** As {@link read}, and yields after each batch. */
  async *steps(sources: Iterable<LogSource>): AsyncGenerator<'more' | 'enough'> {
    for (const { name, chunks } of sources)
      try {
        for await (const batch of lineBatches(chunks())) {
          const goesOn = this.takeBatch(name, batch);
          yield goesOn ? 'more' : 'enough';
          if (!goesOn) return;
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
        const goesOn = this.#visit(this.#reader.takeLine(start, end), { source, line });
        this.records += 1;
        if (!goesOn) return false;
      } catch (error) {
        if (!(error instanceof MalformedLine)) throw error;
        this.malformedLines += 1;
        if (this.#malformed.length < maxReported) this.#malformed.push({ source, line, message: error.message });
      }
    }
    return true;
  }
}
