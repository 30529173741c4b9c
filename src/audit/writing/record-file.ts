/** A file of records as the log writes it: what is on disk, and what of it is lost if the file is removed. */
import type { CountedPackets } from '../accounting/losses.js';
import { PacketsInFile } from '../accounting/packets-in-file.js';
import { recordLine, type AuditRecord } from '../record.js';
import type { Sink } from './sink.js';

export class RecordFile implements AsyncDisposable {
  readonly #sink: Sink;
  readonly #inFile = new PacketsInFile();
  #lastWritten = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  get hasRoom(): boolean {
    return this.#sink.hasRoom;
  }

  get isFailing(): boolean {
    return this.#sink.isFailing;
  }

  /** Sequence number of the last line that is on disk; lines are written in their order. */
  get lastWritten(): number {
    return this.#lastWritten;
  }

  /** Ask `hasRoom` first. @param packets that the line accounts for */
  write(record: AuditRecord, packets: CountedPackets, onWritten: () => void): void {
    this.#sink.write(recordLine(record), () => {
      this.#lastWritten = record['event.sequence'];
      this.#inFile.add(packets);
      onWritten();
    });
  }

  /** The file that has the lines written so far has ended. @returns what they account for */
  takePackets(): readonly CountedPackets[] {
    return this.#inFile.take();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#sink[Symbol.asyncDispose]();
  }
}
