import { describe, expect, test } from '@jest/globals';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schemaChecker } from '../../../src/audit/record-schema.js';
import { recordLine } from '../../../src/audit/record.js';
import { deniedRecord } from '../../audit/records.js';
import { audit, useRecordedMinute } from './recorded-minute.js';

const minute = useRecordedMinute();
const { ask } = minute;

describe('show', () => {
  const shown = async (...args: readonly string[]): Promise<readonly string[]> =>
    (await ask('show', ...args)).stdout.split('\n').filter((line) => line !== '');

  test('one line for each record, in time order over a rotation, losses among them', async () => {
    expect(await shown()).toEqual([
      '2026-11-22T10:00:00.000Z n1 DENY ingress bookshop/web:40001 -> bookshop/db:5432 TCP SYN default-deny by bookshop/database-from-app',
      '2026-11-22T10:00:05.000Z n1 DENY ingress bookshop/web:40002 -> bookshop/db:5432 TCP SYN default-deny by bookshop/database-from-app (41 packets)',
      '2026-11-22T10:00:06.000Z n1 ALLOW ingress bookshop/web:40003 -> bookshop/app:8080 TCP SYN rule bookshop/app-from-web ingress[0]',
      '2026-11-22T10:00:07.000Z n1 ALLOW ingress bookshop/app:40004 -> bookshop/db:5432 TCP SYN rule bookshop/database-from-app ingress[0]',
      '2026-11-22T10:00:10.000Z n1 LOST 900 (deny ingress) by rate-limit since 2026-11-22T10:00:10.000Z',
      '2026-11-22T10:00:40.000Z n1 DENY ingress bookshop/db:40006 -> bookshop/app:8080 TCP SYN default-deny by bookshop/app-from-web',
      '2026-11-22T10:00:41.000Z n1 ALLOW ingress 172.30.0.100:40007 -> bookshop/web:8080 TCP SYN not-isolated',
      '2026-11-22T10:00:42.000Z n1 would DENY ingress bookshop/web:40008 -> bookshop/db:5433 TCP SYN default-deny by bookshop/database-from-app',
      '2026-11-22T10:00:43.000Z n1 DENY egress bookshop/db:40009 -> bookshop/web:8080 TCP SYN source-guard',
    ]);
  });

  test('json is the records themselves, one a line, valid by the schema', async () => {
    const records = (await shown('-o', 'json')).map((line) => JSON.parse(line) as unknown);
    const check = schemaChecker();
    expect(records).toHaveLength(9);
    expect(records.flatMap((record) => check(record))).toEqual([]);
  });

  test.each([
    [['--port', 'http'], /It takes number/],
    [['--reason', 'because'], /default-deny/],
    [['--since', 'yesterday'], /duration/],
    [['-f', '--first', '1', '--last', '1'], /cannot be used/],
    [['-o', 'xml'], /Formats are text, json/],
    [['--log', '/nowhere/at/all'], /nowhere/],
    [['--not'], /no filter follows/],
    [['--pod', 'web', '--not', '--last', '1'], /--not excludes what the next filter matches/],
  ])('%j is a wrong usage', async (args, message) => {
    const { exitCode, stderr } = await ask('show', ...args);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  test.each([
    [
      ['--last', '2'],
      [42, 43],
    ],
    [
      ['--first', '2'],
      [0, 5],
    ],
    [['-n', 'bookshop', '--not', '--to-pod', 'db', '--verdict', 'deny', '--last', '1'], [43]],
  ])('%j', async (args, seconds) => {
    expect((await shown(...args)).map((line) => Number(line.slice(17, 19)))).toEqual(seconds);
  });

  test('a place without records: it says so', async () => {
    const { exitCode, stderr } = await audit('show', '--log', join(minute.folder, 'identities'));
    expect([exitCode, stderr]).toEqual([3, 'podwall: the log has no records']);
  });

  test('a name that would move the cursor does not', async () => {
    const hostile = join(minute.folder, 'hostile.log');
    await writeFile(hostile, recordLine(deniedRecord({ 'source.k8s.pod.name': 'x\u001b[2J\u202e\nforged' })));
    const { stdout } = await audit('show', '--log', hostile);
    expect(stdout.split('\n')).toHaveLength(1);
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    await rm(hostile);
  });

  test('follows, from what is there on, through a rotation', async () => {
    const own = await mkdtemp(join(tmpdir(), 'podwall-audit-follow-'));
    await cp(minute.folder, own, { recursive: true });
    const following = audit('show', '--log', own, '-f', '--last', '1', '--verdict', 'deny');
    const lines: string[] = [];
    const reading = (async () => {
      for await (const line of following) {
        lines.push(line);
        if (lines.length === 1) {
          await rm(join(own, 'audit.jsonl'));
          await writeFile(join(own, 'audit.jsonl'), recordLine(deniedRecord({ 'source.k8s.pod.name': 'new' })));
        }
        if (lines.length === 2) following.kill('SIGINT');
      }
    })();
    await reading;
    expect(lines).toEqual([expect.stringContaining('bookshop/db:40009'), expect.stringContaining('shop/new:')]);
    expect((await following).exitCode).toBe(0);
    await rm(own, { recursive: true });
  });
});
