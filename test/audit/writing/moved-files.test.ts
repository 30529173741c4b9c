/** Other programs move, remove and truncate the file that is written to: logrotate, and people. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { rmSync, statSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { logFiles } from '../../../src/audit/reading/log-files.js';
import { logLinesInReverse } from '../../../src/audit/reading/reverse-lines.js';
import { Scan } from '../../../src/audit/reading/scan.js';
import { recordLine } from '../../../src/audit/record.js';
import { RotatingFile, type FileEnd } from '../../../src/audit/writing/rotating-file.js';
import { deniedRecord } from '../records.js';

let folder: string;
let log: RotatingFile;
let fates: FileEnd[];
let written: number;
const path = (name = 'audit.jsonl'): string => join(folder, 'log', name);
const line = (sequence: number): string => recordLine(deniedRecord({ 'event.sequence': sequence }));
const lineBytes = line(1).length;

const open = (maxBytes: number): RotatingFile =>
  new RotatingFile(
    path(),
    {
      maxBytes,
      rotateAfter: Infinity,
      maxBackups: Infinity,
      maxBackupAge: Infinity,
      gzip: true,
      onCleanupFailure: (error) => {
        throw error;
      },
      onFileEnd: (end) => {
        fates.push(end);
        return Promise.resolve();
      },
    },
    Date.now,
  );
const write = async (count: number): Promise<void> => {
  for (let index = 0; index < count; index += 1) await log.write(line((written += 1)));
};
/** Sequence numbers as `podwall audit show` prints them. */
const shown = async (): Promise<number[]> => {
  const sequences: number[] = [];
  const scan = new Scan((record) => sequences.push(Number(record.get('event.sequence'))) > 0);
  await scan.read((await logFiles([join(folder, 'log')], Readable.from([]))).sources);
  expect([scan.malformedLines, scan.unread]).toEqual([0, []]);
  return sequences;
};
const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, at) => first + at);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-moved-'));
  fates = [];
  written = 0;
  log = open(1e6);
});
afterEach(async () => {
  await log.close();
  await rm(folder, { recursive: true });
});

/** What others do, and the lines that are found afterwards of 3 before it. */
const interventions: readonly [what: string, end: FileEnd, kept: number, act: () => Promise<unknown>][] = [
  ['moved, as logrotate does with nocreate', 'moved', 3, () => rename(path(), path('audit.jsonl.1'))],
  [
    'moved, and made anew, as logrotate does with create',
    'moved',
    3,
    async () => {
      await rename(path(), path('audit.jsonl-20261122'));
      await writeFile(path(), '', { mode: 0o644 });
    },
  ],
  [
    'copied and truncated, as logrotate does with copytruncate',
    'truncated',
    3,
    async () => {
      await copyFile(path(), path('audit.jsonl.1'));
      await truncate(path(), 0);
    },
  ],
  ['removed', 'removed', 0, () => rm(path())],
  ['removed with its folder', 'removed', 0, () => rm(join(folder, 'log'), { recursive: true })],
  [
    'removed with its folder, which is made again',
    'removed',
    0,
    async () => {
      await rm(join(folder, 'log'), { recursive: true });
      await mkdir(join(folder, 'log'));
    },
  ],
  [
    'moved with its folder',
    'moved',
    0,
    async () => {
      await rename(join(folder, 'log'), join(folder, 'elsewhere'));
    },
  ],
];

describe.each(interventions)('a file that is %s', (_, end, kept, act) => {
  test('the next line goes to a file that the path names, and readers see one log', async () => {
    await write(3);
    await act();
    await write(2);
    expect(await shown()).toEqual([...upTo(kept), 4, 5]);
    expect(fates).toEqual([end]);
    const backwards: number[] = [];
    for await (const text of logLinesInReverse(path()))
      backwards.push((JSON.parse(text) as { 'event.sequence': number })['event.sequence']);
    expect(backwards).toEqual([...upTo(kept), 4, 5].reverse());
  });

  test('it is rotated afterwards as always', async () => {
    log = open(2.5 * lineBytes);
    await write(1);
    const first = kept === 0 ? 2 : 1;
    await act();
    await write(6);
    await log.close();
    expect(await shown()).toEqual(upTo(7, first));
    expect(fates).toEqual([end, 'rotated', 'rotated']);
  });
});

test('what happens right before a rotation is no hindrance', async () => {
  log = open(2.5 * lineBytes);
  await write(2);
  await rename(path(), path('audit.jsonl.1'));
  await write(2);
  await rm(path());
  await write(3);
  await log.close();
  expect(await shown()).toEqual([1, 2, 5, 6, 7]);
  expect(fates).toEqual(['moved', 'removed', 'rotated']);
});

test('a file that is truncated in the middle of a line does not swallow the next one', async () => {
  await write(3);
  await truncate(path(), lineBytes + 20);
  await write(1);
  expect((await readFile(path(), 'utf8')).split('\n').slice(-2)).toEqual([line(4).trimEnd(), '']);
  expect(fates).toEqual(['truncated']);
});

test('lines that were written to a file while it was removed are written again', async () => {
  log = open(1e9);
  await write(1);
  const long = `${line(2)
    .trimEnd()
    .padEnd(8 << 20, ' ')}\n`;
  const writing = log.write(long);
  // Whoever writes needs this thread to look at the file again: it is removed before that.
  const isGrowing = (): boolean => statSync(path()).size > lineBytes;
  while (!isGrowing()) {
    await nextTurn();
    for (const end = performance.now() + 20; !isGrowing() && performance.now() < end;);
  }
  rmSync(path());
  await writing;
  expect((await readFile(path(), 'utf8')) === long).toBe(true);
  expect(fates).toEqual(['removed']);
});
