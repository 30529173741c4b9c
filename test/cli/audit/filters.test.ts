import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scan } from '../../../src/audit/reading/scan.js';
import { isLoss } from '../../../src/audit/record.js';
import { withFilters } from '../../../src/cli/audit/log-options.js';
import { logFiles } from '../../../src/audit/reading/log-files.js';
import { recordedMinute } from '../../audit/recorded-log.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-audit-filters-'));
  await recordedMinute(folder);
});
afterAll(() => rm(folder, { recursive: true }));

describe('filters', () => {
  /** By the second of the verdicts' time. */
  test.each([
    [
      ['--pod', 'bookshop/web'],
      [0, 5, 6, 41, 42, 43],
    ],
    [
      ['--from-pod', 'web'],
      [0, 5, 6, 42],
    ],
    [
      ['--to-pod', 'web'],
      [41, 43],
    ],
    [['--pod', 'bookshop/nobody'], []],
    [['-n', 'bookshop', '--from-ip', '172.30.0.0/16'], [41]],
    [['--ip', '172.30.0.100'], [41]],
    [
      ['--workload', 'pod/app'],
      [6, 7, 40],
    ],
    [
      ['--workload', 'app.bookshop'],
      [6, 7, 40],
    ],
    [
      ['--workload', 'bookshop/app:8080'],
      [6, 7, 40],
    ],
    [['--workload', 'app.elsewhere'], []],
    [
      ['--from-pod', 'bookshop/web:40001'],
      [0, 5, 6, 42],
    ],
    [
      ['--to-workload', 'bookshop/Pod/db'],
      [0, 5, 7, 42],
    ],
    [
      ['--port', '5432'],
      [0, 5, 7],
    ],
    [
      ['--to-port', '5400-5500', '--verdict', 'deny'],
      [0, 5, 42],
    ],
    [['--from-port', '40001'], [0]],
    [
      ['--verdict', 'allow'],
      [6, 7, 41],
    ],
    [
      ['--verdict', 'FORWARDED'],
      [6, 7, 41, 42],
    ],
    [['--verdict', 'dry-run'], [42]],
    [['--mode', 'dry-run'], [42]],
    [
      ['--reason', 'source-guard', '--reason', 'not-isolated'],
      [41, 43],
    ],
    [
      ['--policy', 'bookshop/app-from-web'],
      [6, 40],
    ],
    [
      ['--tier', 'networkpolicy', '--protocol', 'tcp', '--verdict', 'allow'],
      [6, 7],
    ],
    [['--traffic-direction', 'egress'], [43]],
    [
      ['--rule', 'ingress[0]'],
      [6, 7],
    ],
    [['--protocol', '6', '--ip-version', 'v4', '--tcp-flags', 'syn', '--mode', 'dry-run'], [42]],
    [['--ip-version', 'v6'], []],
    [['--tcp-flags', 'SYN,ACK'], []],
    [
      ['--node-name', 'n1', '--not', '--verdict', 'allow', '--not', '--mode', 'dry-run'],
      [0, 5, 40, 43],
    ],
    [
      ['--not', '--to-pod', 'db', '--verdict', 'deny'],
      [40, 43],
    ],
    [
      ['--since', '2026-11-22T10:00:41Z', '--verdict', 'deny'],
      [42, 43],
    ],
    [
      ['--since', '2026-11-22T10:00:05Z', '--until', '2026-11-22T10:00:07Z'],
      [5, 6],
    ],
  ])('%j', async (args, seconds) => {
    const { command, query } = withFilters(new Command());
    command.parse(args, { from: 'user' });
    const found: number[] = [];
    const scan = new Scan((line) => {
      if (query.isInTime(line) && !isLoss(line.record()) && query.matches(line))
        found.push(Number(line.record()['@timestamp'].slice(17, 19)));
      return true;
    });
    await scan.read((await logFiles([folder], process.stdin)).sources);
    expect(found).toEqual(seconds);
  });
});

test.each([
  ['--port', '70000'],
  ['--port', '90-80'],
  ['--pod', ''],
  ['--protocol', 'tpc'],
  ['--protocol', '256'],
  ['--ip-version', '5'],
  ['--tcp-flags', 'syn,nonsense'],
  ['--rule', 'first'],
  ['--ip', '10.0.0'],
  ['--tier', 'none'],
  ['--since', '10:00'],
])('%s %j is refused: no record could have it', (name, value) => {
  const { command } = withFilters(new Command());
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  expect(() => command.parse([name, value], { from: 'user' })).toThrow(/It takes/);
});

describe('where logs are', () => {
  const names = async (...given: readonly string[]): Promise<readonly string[]> =>
    (await logFiles(given, process.stdin)).paths.map((path) => path.slice(folder.length + 1));

  test.each([
    ['a directory', '', ['audit-20261122T100030.000Z.jsonl.gz', 'audit.jsonl']],
    ['a file', '/audit.jsonl', ['audit.jsonl']],
    ['a glob', '/audit*.jsonl*', ['audit-20261122T100030.000Z.jsonl.gz', 'audit.jsonl']],
    ['a glob of what was rotated', '/audit-????????T*.gz', ['audit-20261122T100030.000Z.jsonl.gz']],
  ])('%s', async (_, path, files) => expect(await names(`${folder}${path}`)).toEqual(files));

  test('named twice, read once; a path that does not exist is an error', async () => {
    expect(await names(folder, join(folder, 'audit.jsonl'))).toHaveLength(2);
    await expect(names(join(folder, '*.log'))).rejects.toThrow(/no file matches/);
    await expect(names(join(folder, 'nothing'))).rejects.toThrow(/no such file/);
  });
});
