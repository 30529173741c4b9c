import { stat } from 'node:fs/promises';
import type { LogSource } from '../../audit/reading/log-sources.js';
import { Progress } from '../common/progress.js';
import type { LogFiles } from '../../audit/reading/log-files.js';

/** The sources of a log that is read to its end; the progress is drawn by bytes. */
export async function sourcesWithProgress({ sources, paths }: LogFiles): Promise<Iterable<LogSource>> {
  const sizes = new Map(await Promise.all(paths.map(async (path) => [path, await sizeOf(path)] as const)));
  const all = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  return counted(sources, sizes, new Progress('reading the log', all));
}

/** A file without a size does not count; reading it reports why. */
const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

function* counted(
  sources: readonly LogSource[],
  sizes: ReadonlyMap<string, number>,
  progress: Progress,
): Generator<LogSource> {
  let before = 0;
  try {
    for (const source of sources) {
      const size = sizes.get(source.name) ?? 0;
      yield { ...source, chunks: () => countedChunks(source, { before, size, progress }) };
      before += size;
    }
  } finally {
    progress.end();
  }
}

interface Counting {
  /** Bytes of the sources before. */
  readonly before: number;
  readonly size: number;
  readonly progress: Progress;
}

/** A compressed file counts when it is read completely: its chunks have more bytes than the file. */
async function* countedChunks(
  { name, chunks }: LogSource,
  { before, size, progress }: Counting,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks()) {
    bytes += chunk.length;
    progress.step(before + (name.endsWith('.gz') ? 0 : Math.min(bytes, size)));
    yield chunk;
  }
}
