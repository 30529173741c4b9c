/** The names of a log's files: `audit.jsonl`, and `audit-TIMESTAMP.jsonl.gz` for rotated ones. */
import { basename, dirname, extname, join } from 'node:path';

/** The live file's name after its rotation. @param time in milliseconds since the epoch; two files need two times */
export function rotatedPath(live: string, time: number): string {
  const extension = extname(live);
  const stamp = new Date(time).toISOString().replace(/[-:]/g, '');
  return `${live.slice(0, live.length - extension.length)}-${stamp}${extension}`;
}

/** When the file of this name was rotated, compressed or not; undefined unless {@link rotatedPath} gave it its name. */
export function rotationTime(live: string, name: string): number | undefined {
  const extension = extname(live);
  const start = `${basename(live, extension)}-`;
  if (!name.startsWith(start)) return undefined;
  const plain = name.slice(start.length).replace(/\.gz$/, '');
  const stamp = extension !== '' && plain.endsWith(extension) ? plain.slice(0, -extension.length) : plain;
  if (!/^\d{8}T\d{6}\.\d{3}Z$/.test(stamp)) return undefined;
  const time = Date.parse(stamp.replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:'));
  return Number.isNaN(time) ? undefined : time;
}

export const isRotatedFrom = (live: string, name: string): boolean => rotationTime(live, name) !== undefined;

export const isLogName = (name: string): boolean => /\.jsonl(\.gz)?$/.test(name);

interface LogName {
  /** The live file's path. */
  readonly live: string;
  /** Of its rotation; sorts after every time for the live file. */
  readonly time: string;
}

const live = '~';

function parseName(path: string): LogName {
  const name = basename(path);
  const [, stem, time] = /^(.+?)-(\d{4}-?\d{2}-?\d{2}T[\d.:-]*Z?[\d-]*)\.jsonl(?:\.gz)?$/.exec(name) ?? [];
  if (stem === undefined || time === undefined) return { live: path, time: live };
  return { live: join(dirname(path), `${stem}.jsonl`), time };
}

/** Whether the file is still written to. */
export const isLiveFile = (path: string): boolean => parseName(path).time === live;

/** The files of each log from the oldest to the live one. Of a file that is being compressed, only the original counts. */
export function oldestFirst(paths: readonly string[]): readonly string[] {
  const all = new Set(paths);
  return paths
    .filter((path) => !(path.endsWith('.gz') && all.has(path.slice(0, -'.gz'.length))))
    .map((path) => ({ path, ...parseName(path) }))
    .sort((a, b) => compare(a.live, b.live) || compare(a.time, b.time))
    .map(({ path }) => path);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
