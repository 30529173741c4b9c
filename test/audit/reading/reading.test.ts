import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { appendFile, mkdtemp, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { logLinesInReverse } from '../../../src/audit/reading/reverse-lines.js';
import { followLog } from '../../../src/audit/reading/follow.js';
import { LineReader, MalformedLine } from '../../../src/audit/reading/line-reader.js';
import { isLiveFile, isLogName, isRotatedFrom, oldestFirst } from '../../../src/audit/reading/rotated-file-names.js';
import { Scan } from '../../../src/audit/reading/scan.js';
import { schemaChecker } from '../../../src/audit/record-schema.js';
import { fileSource, streamSource } from '../../../src/audit/reading/log-sources.js';
import { recordLine, type EventRecord } from '../../../src/audit/record.js';
import { seed } from '../../support/seed.js';
import { until } from '../../support/until.js';
import { deniedRecord, lossRecord } from '../records.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-audit-log-'));
});
afterAll(() => rm(folder, { recursive: true }));

const numbered = (sequence: number, fields: Partial<EventRecord> = {}): string =>
  recordLine(deniedRecord({ 'event.sequence': sequence, ...fields }));

describe('names', () => {
  test('oldest first, the live file last, each log for itself', async () => {
    const names = [
      'b/audit.jsonl',
      'a/audit.jsonl',
      'a/audit-2026-11-22T10-00-00.000Z.jsonl.gz',
      'a/audit-2026-11-21T23-00-00.000Z.jsonl.gz',
      'a/audit-20261123T000000Z.jsonl',
    ];
    expect(await oldestFirst(names)).toEqual([
      'a/audit-2026-11-21T23-00-00.000Z.jsonl.gz',
      'a/audit-2026-11-22T10-00-00.000Z.jsonl.gz',
      'a/audit-20261123T000000Z.jsonl',
      'a/audit.jsonl',
      'b/audit.jsonl',
    ]);
    expect(names.filter(isLiveFile)).toEqual(['b/audit.jsonl', 'a/audit.jsonl']);
  });

  test.each([
    ['numbers', ['audit.jsonl.10.gz', 'audit.jsonl.2.gz', 'audit.jsonl.1']],
    ['dates', ['audit.jsonl-20261120.gz', 'audit.jsonl-20261121.gz', 'audit.jsonl-20261122']],
    ['dates before the extension', ['audit-20261121.jsonl.gz', 'audit-20261122.jsonl']],
  ])('files that logrotate moved, with %s, come before the live file and belong to its log', async (_, moved) => {
    const names = [...moved, 'audit.jsonl'];
    expect(await oldestFirst(names.toSorted())).toEqual(names);
    expect(names.filter(isLiveFile)).toEqual(['audit.jsonl']);
    expect(names.filter(isLogName)).toEqual(names);
    expect(names.filter((name) => isRotatedFrom('/log/audit.jsonl', name))).toEqual(moved);
  });

  test('logs are distinguished by their extensions, and what only has a number in its name is a log of its own', () => {
    const names = ['podwall.log', 'podwall.log.1', 'podwall.log-20261122', 'podwall.jsonl.1', 'podwall.log.old'];
    expect(names.filter((name) => isRotatedFrom('/var/podwall.log', name))).toEqual(names.slice(1, 3));
    expect(names.filter(isLogName)).toEqual(['podwall.jsonl.1']);
    expect(['10.0.0.1.jsonl', 'node-10.jsonl'].filter(isLiveFile)).toEqual(['10.0.0.1.jsonl', 'node-10.jsonl']);
  });

  test('where the agent rotated as well, the last line of a file with a number says where it is', async () => {
    const own = await mkdtemp(join(folder, 'both-'));
    const at = (name: string): string => join(own, name);
    const rotated = at('audit-20261121T100000.000Z.jsonl');
    const oldest = [at('audit.jsonl.3'), at('audit.jsonl.2'), rotated, at('audit.jsonl.1')];
    for (const path of oldest) await writeFile(path, '');
    const touch = (path: string, time: string): Promise<void> => utimes(path, new Date(time), new Date(time));
    await touch(at('audit.jsonl.1'), '2026-11-22T00:00:00Z');
    await touch(at('audit.jsonl.2'), '2026-11-21T00:00:00Z');
    // A backup that was copied back: the number is certain.
    await touch(at('audit.jsonl.3'), '2026-11-23T00:00:00Z');
    expect(await oldestFirst(oldest.toSorted())).toEqual(oldest);
  });

  test('a file that is being compressed is read once', async () => {
    const plain = 'audit-20261122T100000Z.jsonl';
    expect(await oldestFirst([`${plain}.gz`, plain])).toEqual([plain]);
  });
});

describe('a line', () => {
  const keys = ['source.k8s.pod.name', 'destination.port', 'podwall.count', 'security_rule.name', 'nothing'];
  const reader = new LineReader();

  test.each([
    ['as our writer writes it', (text: string) => text],
    ['with spaces', (text: string) => JSON.stringify(JSON.parse(text), undefined, 1).replaceAll('\n', ' ')],
    [
      'with its keys in another order',
      (text: string) => JSON.stringify(JSON.parse(text), Object.keys(JSON.parse(text) as object).toReversed()),
    ],
  ])('%s gives the same values', (_, written) => {
    const texts = [
      numbered(1),
      numbered(2, { 'source.k8s.pod.name': 'a-longer-name', 'podwall.count': 42 }),
      numbered(3),
    ];
    expect(texts.map((text) => keys.map((key) => reader.take(written(text.trimEnd())).get(key)))).toEqual([
      ['web-1', 8080, 1, undefined, undefined],
      ['a-longer-name', 8080, 42, undefined, undefined],
      ['web-1', 8080, 1, undefined, undefined],
    ]);
  });

  test('a name that looks like a key is a name', () => {
    const name = 'x","podwall.count":7,"y":"';
    const line = reader.take(numbered(1, { 'source.k8s.pod.name': name }).trimEnd());
    expect([line.get('podwall.count'), line.get('source.k8s.pod.name')]).toEqual([1, name]);
  });

  test.each([
    ['as written', (line: string) => line],
    ['with an escape', (line: string) => line.replace('web-1', '\\u0077eb-1')],
    ['with spaces', (line: string) => line.replaceAll(',', ', ')],
  ])('version 1, %s: its dry run has the name of today', (_, written) => {
    const lines = ['audit', 'enforce'].map((mode) =>
      written(
        recordLine(deniedRecord({ 'source.k8s.pod.name': 'web-1' }))
          .trimEnd()
          .replace('"schema_version":2', '"schema_version":1')
          .replace('"podwall.mode":"enforce"', `"podwall.mode":"${mode}"`),
      ),
    );
    const read = lines.map((line) => {
      const fields = reader.take(line);
      // Before the whole record is parsed: single fields are found in the text.
      const single = [fields.get('podwall.mode'), fields.get('source.k8s.pod.name')];
      const { schema_version, ...record } = fields.record() as EventRecord;
      return [...single, record['podwall.mode'], schema_version];
    });
    expect(read).toEqual([
      ['dry-run', 'web-1', 'dry-run', 2],
      ['enforce', 'web-1', 'enforce', 2],
    ]);
    expect(reader.take(numbered(1).trimEnd()).get('podwall.mode')).toBe('enforce');
    expect(schemaChecker()(reader.take(lines[0] ?? '').record())).toEqual([]);
  });

  test.each([
    ['text', 'no such thing', /JSON/],
    ['another object', '{"level":30,"msg":"applied"}', /no schema_version/],
    ['a newer schema', '{"schema_version":3}', /schema_version 3 is not known/],
    ['a cut record', numbered(1).slice(0, 300), /JSON/],
    ['a cut record that another follows', numbered(1).slice(0, 300) + numbered(2).trimEnd(), /JSON/],
  ])('%s is malformed', (_, text, message) => {
    expect(() => reader.take(text)).toThrow(MalformedLine);
    expect(() => reader.take(text)).toThrow(message);
  });
});

describe('a scan', () => {
  const scanOf = async (...sources: Parameters<Scan['read']>[0] extends Iterable<infer S> ? S[] : never) => {
    const sequences: number[] = [];
    const scan = new Scan((line) => {
      sequences.push(Number(line.get('event.sequence')));
      return true;
    });
    await scan.read(sources);
    return { sequences, scan };
  };

  test('reads plain and compressed files in the order given, and malformed lines are reported with their place', async () => {
    const [plain, compressed] = [join(folder, 'plain.jsonl'), join(folder, 'compressed.jsonl.gz')];
    await writeFile(
      plain,
      `${numbered(3)}\n{"half\n${numbered(4)}${recordLine(lossRecord('writer', 1, { 'event.sequence': 5 })).trimEnd()}`,
    );
    await writeFile(compressed, gzipSync(numbered(1) + numbered(2)));
    const { sequences, scan } = await scanOf(fileSource(compressed), fileSource(plain));
    expect(sequences).toEqual([1, 2, 3, 4, 5]);
    expect(scan.records).toBe(5);
    expect(scan.malformedLines).toBe(1);
    expect(scan.malformed).toEqual([{ source: plain, line: 3, message: expect.stringContaining('JSON') }]);
  });

  test('lines that chunks cut anywhere come whole', async () => {
    const bytes = Buffer.from(numbered(1, { 'source.k8s.pod.name': 'wéb' }) + numbered(2) + numbered(3));
    for (const size of [1, 7, 300, 5000]) {
      const chunks = async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
        return Promise.resolve();
      };
      const { sequences, scan } = await scanOf(streamSource('<stdin>', chunks()));
      expect([sequences, scan.malformedLines]).toEqual([[1, 2, 3], 0]);
    }
  });

  test('gives the values that parsing gives, wherever keys stand, in ASCII and not, between lines that are none', async () => {
    const name = fc.constantFrom('web', 'a-longer-name', 'wéb', 'w"e\\b', '10.0.0.200', '');
    const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
    const record = fc
      .record({
        'source.k8s.pod.name': name,
        'source.k8s.workload.name': optional(name),
        'destination.port': optional(fc.nat(65535)),
        'podwall.count': fc.integer({ min: 1, max: 1e9 }),
        'destination.k8s.workload.name': optional(name),
      })
      .map((fields) => recordLine(deniedRecord(fields as Partial<EventRecord>)).trimEnd());
    const line = fc.oneof(
      { arbitrary: record, weight: 8 },
      record.chain((text) => fc.nat(text.length - 2).map((end) => `${text.slice(0, end)}x`)),
      fc.tuple(record, record).map((two) => two.join('')),
      fc.constantFrom('', '{}', 'nonsense', recordLine(lossRecord('writer', 7)).trimEnd()),
    );
    const keys = ['podwall.count', 'source.k8s.pod.name', 'destination.port', 'destination.k8s.workload.name'];
    const expected = (text: string): unknown[] | undefined => {
      try {
        const parsed = JSON.parse(text) as Record<string, unknown>;
        return parsed['schema_version'] === 2 ? keys.map((key) => parsed[key]) : undefined;
      } catch {
        return undefined;
      }
    };
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 40 }), fc.integer({ min: 1, max: 20_000 }), async (lines, size) => {
        const bytes = Buffer.from(lines.join('\n'));
        const chunks = async function* () {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
          return Promise.resolve();
        };
        const values: unknown[][] = [];
        const scan = new Scan((reader) => values.push(keys.map((key) => reader.get(key))) > 0);
        await scan.read([streamSource('<stdin>', chunks())]);
        expect(values).toEqual(lines.flatMap((text) => [expected(text) ?? []].filter(({ length }) => length > 0)));
        expect(scan.malformedLines).toBe(lines.filter((text) => text !== '' && expected(text) === undefined).length);
      }),
      { numRuns: 200, seed },
    );
  });

  test('a line without end is malformed and does not fill memory', async () => {
    const chunks = async function* () {
      for (let megabyte = 0; megabyte < 64; megabyte += 1) yield Buffer.alloc(1 << 20, 'x');
      yield Buffer.from(`\n${numbered(1)}`);
      return Promise.resolve();
    };
    const before = process.memoryUsage().arrayBuffers;
    const { sequences, scan } = await scanOf(streamSource('<stdin>', chunks()));
    expect([sequences, scan.malformedLines]).toEqual([[1], 1]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(80 << 20);
  });

  test('a compressed file that was cut is read as far as it goes, and reported', async () => {
    const cut = join(folder, 'cut.jsonl.gz');
    const whole = gzipSync(numbered(1) + numbered(2));
    await writeFile(cut, whole.subarray(0, whole.length - 4));
    const { scan } = await scanOf(fileSource(cut));
    expect(scan.unread).toEqual([{ source: cut, message: 'unexpected end of file' }]);
  });
});

describe('following', () => {
  test('goes on through rotation and truncation, and loses no line', async () => {
    const live = join(folder, 'audit.jsonl');
    const ending = new AbortController();
    const seen: number[] = [];
    const scan = new Scan((line) => {
      seen.push(Number(line.get('event.sequence')));
      return true;
    });
    const following = (async () => {
      for await (const batch of followLog(live, ending.signal)) scan.takeBatch(live, batch);
    })();
    const seenAll = async (count: number): Promise<void> => {
      await until(() => seen.length >= count);
      expect(seen).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    };
    await writeFile(live, numbered(1));
    await seenAll(1);
    await appendFile(live, numbered(2).slice(0, 100));
    await rename(live, join(folder, 'audit-20261122T100000Z.jsonl'));
    await appendFile(join(folder, 'audit-20261122T100000Z.jsonl'), numbered(2).slice(100));
    await writeFile(live, numbered(3) + numbered(4));
    await seenAll(4);
    await truncate(live, 0);
    await seenAll(4);
    await new Promise((done) => setTimeout(done, 500));
    await appendFile(live, numbered(5));
    await seenAll(5);
    ending.abort();
    await following;
    expect(scan.malformedLines).toBe(0);
  });
});

describe('backwards', () => {
  const sequences = async (live: string): Promise<number[]> => {
    const found: number[] = [];
    for await (const line of logLinesInReverse(live)) found.push((JSON.parse(line) as EventRecord)['event.sequence']);
    return found;
  };

  test('from the last line of the live file to the first of what was rotated away, packed or not', async () => {
    const directory = await mkdtemp(join(folder, 'backwards-'));
    const live = join(directory, 'audit.jsonl');
    const [compressed, plain] = ['20261122T100000.000Z', '20261122T110000.000Z'].map((time) =>
      join(directory, `audit-${time}.jsonl`),
    ) as [string, string];
    const lines = Array.from({ length: 300 }, (_, index) =>
      numbered(index + 1, { 'source.k8s.pod.name': 'é'.repeat(index % 97) }),
    );
    await writeFile(`${compressed}.gz`, gzipSync(lines.slice(0, 50).join('')));
    await writeFile(plain, lines.slice(50, 100).join(''));
    // Half packed when the agent was killed.
    await writeFile(`${plain}.gz`, 'half');
    await writeFile(live, lines.slice(100).join(''));
    expect(await sequences(live)).toEqual(lines.map((_, index) => 300 - index));
  });

  test('nothing where there is no log', async () => {
    expect(await sequences(join(folder, 'nowhere', 'audit.jsonl'))).toEqual([]);
  });
});
