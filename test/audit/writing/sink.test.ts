import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { RotatingFile, type RotationLimits } from '../../../src/audit/writing/rotating-file.js';
import { Sink, type LineOutput } from '../../../src/audit/writing/sink.js';
import { until } from '../../support/until.js';

const options = { capacity: 100, retryAfter: 5, settledAfter: 5, onWriteState: () => undefined };

describe('Sink', () => {
  test('whoever writes does not wait; lines leave in order, and each is acknowledged once it is written', async () => {
    const out: string[] = [];
    let release = (): void => undefined;
    const output: LineOutput = {
      write: (text) =>
        new Promise((resolve) => {
          release = () => {
            out.push(text);
            resolve();
          };
        }),
      close: () => Promise.resolve(),
    };
    const written: number[] = [];
    const sink = new Sink(output, options);
    for (const number of [1, 2, 3]) sink.write(`${number}\n`, () => written.push(number));
    expect(written).toEqual([]);
    while (written.length < 3) {
      release();
      await until(() => true);
    }
    expect([out.join(''), written]).toEqual(['1\n2\n3\n', [1, 2, 3]]);
    await sink[Symbol.asyncDispose]();
  });

  test('a full disk: it says that there is no room, tries again, and loses nothing of what it took', async () => {
    const [out, problems]: [string[], string[]] = [[], []];
    let isFull = true;
    const sink = new Sink(
      {
        write(text) {
          if (isFull) return Promise.reject(new Error('ENOSPC'));
          out.push(text);
          return Promise.resolve();
        },
        close: () => Promise.resolve(),
      },
      { ...options, onWriteState: (error) => void problems.push(error instanceof Error ? error.message : 'well') },
    );
    let taken = 0;
    for (; sink.hasRoom; taken += 1) sink.write('0123456789\n', () => undefined);
    expect(taken).toBe(10);
    await until(() => problems.length > 0);
    isFull = false;
    await until(() => out.length > 0);
    expect(out.join('')).toBe('0123456789\n'.repeat(10));
    await until(() => sink.hasRoom && !sink.isFailing);
    expect(problems).toEqual(['ENOSPC', 'well']);
    await sink[Symbol.asyncDispose]();
  });

  test('closing while nothing can be written ends', async () => {
    const sink = new Sink({ write: () => Promise.reject(new Error('no')), close: () => Promise.resolve() }, options);
    let isWritten = false;
    sink.write('x\n', () => (isWritten = true));
    await sink[Symbol.asyncDispose]();
    expect([isWritten, sink.hasRoom]).toEqual([false, false]);
  });
});

describe('RotatingFile', () => {
  let folder: string;
  let now: number;
  const path = (): string => join(folder, 'log', 'audit.jsonl');
  const file = (change: Partial<RotationLimits> = {}): RotatingFile => {
    const rotation = {
      maxBytes: 10,
      rotateAfter: 1000,
      maxBackups: 100,
      maxBackupAge: Infinity,
      gzip: true,
      ...change,
    };
    const onCleanupFailure = (error: unknown): never => {
      throw error;
    };
    return new RotatingFile(path(), { onCleanupFailure, onFileEnd: () => Promise.resolve(), ...rotation }, () => now);
  };
  /** Rotated files in the order of their names, then the present one. */
  const contents = async (): Promise<string[]> => {
    const names = (await readdir(join(folder, 'log'))).sort();
    const texts = names.map(async (name) => {
      const content = await readFile(join(folder, 'log', name));
      return (name.endsWith('.gz') ? gunzipSync(content) : content).toString();
    });
    return Promise.all(texts);
  };
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-audit-'));
    now = Date.parse('2026-11-22T10:00:00Z');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('a new file when one is full, however fast; every file is for its owner only', async () => {
    const log = file();
    for (const line of ['111\n', '222\n', '333\n', '444\n', '555\n', '666\n', '777\n']) await log.write(line);
    await log.close();
    expect(await contents()).toEqual(['111\n222\n', '333\n444\n', '555\n666\n', '777\n']);
    const names = await readdir(join(folder, 'log'));
    expect(names.sort()[0]).toBe('audit-20261122T100000.000Z.jsonl.gz');
    for (const name of names) expect((await stat(join(folder, 'log', name))).mode & 0o777).toBe(0o600);
  });

  test('a new file when one is old, and never an empty one', async () => {
    const log = file({ gzip: false });
    now += 5000;
    await log.write('1\n');
    now += 1001;
    await log.write('2\n');
    await log.close();
    expect(await contents()).toEqual(['1\n', '2\n']);
  });

  test('so many rotated files are kept, and what is not ours stays', async () => {
    const log = file({ maxBackups: 2 });
    await log.write('1111111\n');
    await writeFile(join(folder, 'log', 'audit-notes.jsonl'), 'mine\n');
    for (const line of ['2222222\n', '3333333\n', '4444444\n', '5555555\n']) await log.write(line);
    await log.close();
    expect(await contents()).toEqual(['3333333\n', '4444444\n', 'mine\n', '5555555\n']);
  });

  const day = 86_400_000;
  test('rotated files are removed so long after their rotation, though no line rotates another', async () => {
    const log = file({ maxBytes: 10, maxBackupAge: 2 * day, rotateAfter: Infinity });
    await log.write('1111111\n');
    await log.write('2222222\n');
    await writeFile(join(folder, 'log', 'audit-notes.jsonl'), 'mine\n');
    now += day;
    await log.write('3333333\n');
    now += day;
    await log.write('4\n');
    await log.close();
    expect(await contents()).toEqual(['1111111\n', '2222222\n', 'mine\n', '3333333\n4\n']);
    now += 1;
    const next = file({ maxBytes: 100, maxBackupAge: 2 * day, rotateAfter: Infinity });
    await next.write('5\n');
    await next.close();
    expect(await contents()).toEqual(['2222222\n', 'mine\n', '3333333\n4\n5\n']);
    now += day;
    await next.write('6\n');
    await next.close();
    expect(await contents()).toEqual(['mine\n', '3333333\n4\n5\n6\n']);
  });

  test('no limit keeps every file, however many and old', async () => {
    const log = file({ maxBackups: Infinity, maxBytes: Infinity, rotateAfter: day });
    for (const line of ['1\n', '2\n', '3\n']) {
      await log.write(line.repeat(10));
      now += 400 * day;
    }
    await log.close();
    expect((await contents()).map((text) => text.slice(0, 2))).toEqual(['1\n', '2\n', '3\n']);
  });

  test('what is no file keeps its rights and its name', async () => {
    await mkdir(join(folder, 'log'));
    await execa('mkfifo', ['-m', '644', path()]);
    await expect(file().write('line\n')).rejects.toThrow(`${path()} is no file`);
    expect((await stat(path())).mode & 0o777).toBe(0o644);
  });

  test('a line that a killed run left half written does not swallow the next one', async () => {
    const first = file({ maxBytes: 1000 });
    await first.write('whole\nhal');
    await first.close();
    const second = file({ maxBytes: 1000 });
    await second.write('next\n');
    await second.close();
    expect(await contents()).toEqual(['whole\nhal\nnext\n']);
  });
});
