import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audit, useRecordedMinute } from './recorded-minute.js';

const minute = useRecordedMinute();
const { ask } = minute;

describe('verify', () => {
  let own: string;
  beforeAll(async () => {
    own = await mkdtemp(join(tmpdir(), 'podwall-audit-verify-'));
    await cp(minute.folder, own, { recursive: true });
  });
  afterAll(() => rm(own, { recursive: true }));

  test('a whole log is whole', async () => {
    const { stdout, exitCode } = await ask('verify');
    expect(stdout).toContain('9 records of 1 run of the agent\n  n1 boot-1: lines 1 to 9');
    expect(stdout).toContain('the log reports 900 lost packets:\n  rate-limit on n1: 900');
    expect(exitCode).toBe(0);
  });

  test('a line that is missing, one that is cut, one that breaks the schema, and one that appears twice are reported', async () => {
    const live = join(own, 'audit.jsonl');
    const [first = '', second = '', third = '', fourth = ''] = (await readFile(live, 'utf8')).split('\n');
    const wrong = fourth.replace('"podwall.mode":"enforce"', '"podwall.mode":"maybe"');
    await writeFile(live, `${first}\n${third}\n${wrong}\n${third}\n${second.slice(0, 400)}`);
    const { stdout, exitCode } = await audit('verify', '--log', own);
    expect(stdout).toContain('MISSING 1: 7 to 7');
    expect(stdout).toContain('1 lines appear twice');
    expect(stdout).toMatch(/1 malformed lines\n {2}.*audit\.jsonl:5: .*JSON/);
    expect(stdout).toMatch(
      /1 records that do not match.*\n {2}.*audit\.jsonl:3: podwall\.mode must be .*enforce, dry-run/,
    );
    expect(exitCode).toBe(1);
  });

  test('what other commands cannot read is reported, and partial', async () => {
    await appendFile(join(own, 'audit.jsonl'), '\nno record\n');
    const { stderr, exitCode } = await audit('summary', '--log', own);
    expect(stderr).toMatch(/audit\.jsonl:6: malformed/);
    expect(exitCode).toBe(4);
    expect((await audit('summary', '--log', own, '--allow-partial')).exitCode).toBe(0);
  });

  test('nothing at all', async () => {
    const empty = join(own, 'empty.jsonl');
    await writeFile(empty, '');
    expect((await audit('verify', '--log', empty)).exitCode).toBe(3);
    expect((await audit('show', '--log', empty)).exitCode).toBe(3);
  });
});
