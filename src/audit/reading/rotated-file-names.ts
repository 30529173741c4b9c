/**
 * The names of a log's files: `audit.jsonl`, and `audit-TIMESTAMP.jsonl.gz` for those that the agent rotated. logrotate's are
 * `audit.jsonl.1`, and with its `dateext` `audit.jsonl-20261122`, or `audit-20261122.jsonl` with `extension`.
 */
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { unlessMissing } from '../../generic/unless-missing.js';

/** The live file's name after its rotation. @param time in milliseconds since the epoch; two files need two times */
export function rotatedPath(live: string, time: number): string {
  const extension = extname(live);
  const stamp = new Date(time).toISOString().replace(/[-:]/g, '');
  return `${live.slice(0, live.length - extension.length)}-${stamp}${extension}`;
}

/** Where the scan records of a log are: `audit-scan.jsonl` beside `audit.jsonl`. */
export function scanPath(live: string): string {
  const extension = extname(live);
  return `${live.slice(0, live.length - extension.length)}${scanSuffix}${extension}`;
}

/** Whether a file has the name of scans, rotated or not. */
export const isScanFile = (path: string): boolean => {
  const { live } = parseName(path);
  return basename(live.replace(/\.gz$/, ''), logExtension).endsWith(scanSuffix);
};

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

const logExtension = '.jsonl';
const scanSuffix = '-scan';

interface LogName {
  /** The live file's path. */
  readonly live: string;
  /** When it was rotated, as its name says; these sort. */
  readonly time?: string;
  /** How often others have been rotated since, from 1. */
  readonly turn?: number;
}

function parseName(path: string, extension = logExtension): LogName {
  const name = basename(path).replace(/\.gz$/, '');
  const [, before = '', time, after = ''] =
    /^(.+?)-(\d{4}-?\d{2}-?\d{2}T[\d.:-]*Z?[\d-]*|\d{8}[\d-]*)((?:\.[^.]+)?)$/.exec(name) ?? [];
  const liveOf = (liveName: string): string => join(dirname(path), liveName);
  if (time !== undefined && `${before}${after}`.endsWith(extension))
    return { live: liveOf(`${before}${after}`), time: time.replace(/[-:]/g, '') };
  const [, numbered = '', turn] = /^(.+)\.(\d+)$/.exec(name) ?? [];
  return turn !== undefined && numbered.endsWith(extension)
    ? { live: liveOf(numbered), turn: Number(turn) }
    : { live: path };
}

/** Whether the agent or logrotate gave the live file this name. */
export function isRotatedFrom(live: string, name: string): boolean {
  const { live: of, time, turn } = parseName(name, extname(live));
  return of === basename(live) && (time !== undefined || turn !== undefined);
}

/** Whether a file in a folder of logs is one. */
export const isLogName = (name: string): boolean => parseName(name).live.replace(/\.gz$/, '').endsWith(logExtension);

/** Whether the file is still written to. */
export function isLiveFile(path: string): boolean {
  const { time, turn } = parseName(path);
  return time === undefined && turn === undefined;
}

/** Sorts after every time in a name. */
const now = '~';

/**
 * The files of each log from the oldest to the live one. Of a file that is being compressed, only the original counts. The
 * agent's names have times, logrotate's `.1` has none: where both have rotated, the time of its last line says where it is.
 * @param extension of the logs
 */
export async function oldestFirst(paths: readonly string[], extension = logExtension): Promise<readonly string[]> {
  const all = new Set(paths);
  const named = paths
    .filter((path) => !(path.endsWith('.gz') && all.has(path.slice(0, -'.gz'.length))))
    .map((path) => ({ path, ...parseName(path, extension) }));
  const times = await timesOfTurns(named);
  return named
    .map((one) => ({ ...one, time: one.time ?? times.get(one.path) ?? now }))
    .sort((a, b) => compare(a.live, b.live) || compare(a.time, b.time) || (b.turn ?? 0) - (a.turn ?? 0))
    .map(({ path }) => path);
}

/** When the files without a time in their names were last written to. The turns are certain: a file may have been copied. */
async function timesOfTurns(named: readonly (LogName & { readonly path: string })[]): Promise<Map<string, string>> {
  const times = new Map<string, string>();
  const youngest = new Map<string, string>();
  for (const { path, live, turn } of named.toSorted((a, b) => (a.turn ?? 0) - (b.turn ?? 0))) {
    if (turn === undefined) continue;
    const written = (await unlessMissing(stat(path)))?.mtime.toISOString().replace(/[-:]/g, '') ?? now;
    const before = youngest.get(live) ?? now;
    const time = written < before ? written : before;
    youngest.set(live, time);
    times.set(path, time);
  }
  return times;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
