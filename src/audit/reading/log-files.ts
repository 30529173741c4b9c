/** The files that `--log` names, oldest first. */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { oldestFirst, isLogName } from './rotated-file-names.js';
import { fileSource, streamSource, type LogSource } from './log-sources.js';
import { InputError } from '../../generic/input-error.js';
import { matchesGlob } from '../../generic/globs.js';

/** Where `podwall agent` writes `audit.jsonl` and what it rotates. */
export const defaultLogDirectory = '/var/log/podwall';

export interface LogFiles {
  readonly sources: readonly LogSource[];
  /** Of those that are files. */
  readonly paths: readonly string[];
}

/** @throws InputError for a path that does not exist */
export async function logFiles(given: readonly string[], stdin: AsyncIterable<Buffer>): Promise<LogFiles> {
  const groups = await Promise.all(given.map(filesAt));
  const paths = [...new Set(groups.flat())].filter((path) => path !== '-');
  const sources = groups.flat().includes('-') ? [streamSource('<stdin>', stdin)] : [];
  return { paths, sources: [...sources, ...paths.map(fileSource)] };
}

async function filesAt(path: string): Promise<readonly string[]> {
  if (path === '-') return [path];
  try {
    return (await stat(path)).isDirectory() ? await logsIn(path) : [path];
  } catch (error) {
    if (/[*?]/.test(path)) return await matchesOf(path);
    const hint =
      path === defaultLogDirectory ? ': `podwall agent` writes its log there; --log names another place' : '';
    throw new InputError(`${(error as Error).message}${hint}`);
  }
}

async function logsIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory, { recursive: true });
  return oldestFirst(names.filter(isLogName).map((name) => join(directory, name)));
}

async function matchesOf(glob: string): Promise<readonly string[]> {
  const fixed = glob.slice(0, glob.search(/[*?]/));
  const directory = fixed.includes('/') ? dirname(`${fixed}x`) : '.';
  const below = glob.slice(directory === '.' ? 0 : directory.length);
  const names = await readdir(directory, { recursive: below.slice(1).includes('/') });
  const found = names.map((name) => join(directory, name)).filter((name) => matchesGlob(resolve(name), resolve(glob)));
  if (found.length === 0) throw new InputError(`${glob}: no file matches`);
  return oldestFirst(found);
}
