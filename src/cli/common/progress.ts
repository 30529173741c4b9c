/** The progress of long work, for people who wait at a terminal: nothing of it is written to a file, a pipe or a log of CI. */
import type { Connection, Reachability } from '../../model/reachability.js';

/** Milliseconds since the command started. */
const shownAfter = 1000;
const redrawnAfter = 100;
const width = 24;
/** Back to the first column, and nothing on the line. */
const erase = '\r\u001b[K';

/** Work is synchronous, so no timer would fire: the progress is drawn when a step is reported. */
export class Progress {
  readonly #what: string;
  readonly #all: number;
  readonly #isWatched = isWatched();
  #drawn: number | undefined;

  constructor(what: string, all: number) {
    this.#what = what;
    this.#all = all;
  }

  step(done: number): void {
    if (!this.#isWatched) return;
    const now = performance.now();
    if (now < shownAfter || now - (this.#drawn ?? 0) < redrawnAfter) return;
    this.#drawn = now;
    const line = lineOf(this.#what, done, this.#all).slice(0, (process.stderr.columns || 80) - 1);
    process.stderr.write(`${erase}${line}`);
  }

  /** Before anything else is written to the terminal. */
  end(): void {
    if (this.#drawn !== undefined) process.stderr.write(erase);
    this.#drawn = undefined;
  }
}

/** The log of a CI job would keep every line that is redrawn. */
const isWatched = (): boolean =>
  process.stderr.isTTY && process.env['TERM'] !== 'dumb' && (process.env['CI'] ?? '') === '';

function lineOf(what: string, done: number, all: number): string {
  const part = all === 0 ? 0 : Math.min(done / all, 1);
  const full = Math.floor(part * width);
  return `[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${String(Math.floor(part * 100)).padStart(3)} %  ${what}`;
}

/** The same items; when one is taken, those before it are done. */
export function* withProgress<T>(what: string, items: readonly T[]): Generator<T> {
  const progress = new Progress(what, items.length);
  try {
    for (const [index, item] of items.entries()) {
      progress.step(index);
      yield item;
    }
  } finally {
    progress.end();
  }
}

/** The same connections: they come source by source, in the order of the endpoints. */
export function pairsWithProgress({
  connections,
  endpoints,
}: Pick<Reachability, 'connections' | 'endpoints'>): Reachability['connections'] {
  return { [Symbol.iterator]: () => pairs(connections, endpoints) };
}

function* pairs(connections: Reachability['connections'], endpoints: Reachability['endpoints']): Generator<Connection> {
  const progress = new Progress('pairs of workloads', endpoints.length);
  let source = 0;
  try {
    for (const connection of connections) {
      if (connection.from !== endpoints[source]?.id) {
        while (source < endpoints.length && connection.from !== endpoints[source]?.id) source += 1;
        progress.step(source);
      }
      yield connection;
    }
  } finally {
    progress.end();
  }
}
