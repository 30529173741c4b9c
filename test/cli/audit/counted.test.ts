import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordLine } from '../../../src/audit/record.js';
import { deniedRecord } from '../../audit/records.js';
import { bundle } from '../../support/product.js';
import { audit, useRecordedMinute } from './recorded-minute.js';

const minute = useRecordedMinute();
const { ask, document } = minute;

describe('denied', () => {
  test('who to whom, since when, how often, and the edit that would allow it', async () => {
    const { stdout, exitCode, stderr } = await ask('denied', '--mode', 'enforce', '--reason', 'default-deny');
    expect(stdout).toBe(`bookshop/Pod/web -> bookshop/Pod/db 5432/TCP  42 denied
  ingress, default-deny by bookshop/database-from-app
  first 2026-11-22T10:00:00.000Z, last 2026-11-22T10:00:05.000Z
  to allow it: in bookshop/database-from-app, add to spec.ingress[0].from
    - podSelector:
        matchLabels:
          tier: web

bookshop/Pod/db -> bookshop/Pod/app 8080/TCP  1 denied
  ingress, default-deny by bookshop/app-from-web
  first 2026-11-22T10:00:40.000Z, last 2026-11-22T10:00:40.000Z
  to allow it: in bookshop/app-from-web, add to spec.ingress[0].from
    - podSelector:
        matchLabels:
          tier: database

43 packets in 3 records`);
    expect(stderr).toContain('the log reports 900 packets of this time as lost');
    expect(exitCode).toBe(0);
  });

  test('where no policy denied, advice; without snapshots, the record alone', async () => {
    expect(await document('denied', '--reason', 'source-guard')).toMatchObject({
      kind: 'AuditDenials',
      count: 1,
      denials: [{ reason: 'source-guard', advice: expect.stringContaining('source-guard: "off"') }],
    });
    const alone = await mkdtemp(join(tmpdir(), 'podwall-audit-alone-'));
    await cp(join(minute.folder, 'audit.jsonl'), join(alone, 'audit.jsonl'));
    const { stdout } = await audit('denied', '--log', alone, '--mode', 'dry-run');
    expect(stdout).toContain('1 would be denied');
    expect(stdout).toContain('an ingress rule from bookshop/Pod/web for TCP 5433, in bookshop/database-from-app');
    await rm(alone, { recursive: true });
  });
});

describe('summary', () => {
  test('by any fields, most first, with what there was over time', async () => {
    expect((await ask('summary', '--by', 'reason,mode', '--bucket', '10s')).stdout).toBe(
      `REASON        MODE     COUNT  SHARE  OVER TIME
default-deny  enforce  43     89.6%  █   ▁
rule          enforce  2      4.2%   █
default-deny  dry-run  1      2.1%       █
not-isolated  enforce  1      2.1%       █
source-guard  enforce  1      2.1%       █

48 packets in 8 records
█   ▁  2026-11-22T10:00:00.000Z to 2026-11-22T10:00:50.000Z, 10s each`,
    );
  });

  test('a document with buckets that add up', async () => {
    const summary = (await document('summary', '--top', '1', '--verdict', 'deny')) as Record<string, unknown>;
    expect(summary).toMatchObject({
      kind: 'AuditSummary',
      count: 45,
      records: 5,
      groupCount: 4,
      lost: 900,
      groups: [{ from: 'bookshop/Pod/web', to: 'bookshop/Pod/db', port: '5432/TCP', verdict: 'deny', count: 42 }],
    });
    const buckets = summary['buckets'] as { count: number }[];
    expect(buckets.length).toBeLessThanOrEqual(40);
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(45);
  });

  test('by a key of the record, in a table', async () => {
    expect((await ask('summary', '--by', 'network.type,to-pod', '--top', '1', '-o', 'csv')).stdout).toBe(
      'network.type,to-pod,count,share,first,last\r\nipv4,bookshop/db,44,91.7%,2026-11-22T10:00:00.000Z,2026-11-22T10:00:42.000Z',
    );
    expect((await ask('summary', '--by', 'colour')).exitCode).toBe(2);
  });

  test('by policy: each that isolates, and it is said that the rows overlap', async () => {
    const several = { 'podwall.policies.isolating': ['db/pg-in', 'db/default-deny'] };
    const ofStdin = (...args: readonly string[]) =>
      execa(process.execPath, [bundle, 'audit', 'summary', '--log', '-', ...args], {
        input: recordLine(deniedRecord(several)) + recordLine(deniedRecord({})),
      });
    const { stdout } = await ofStdin('--by', 'policy');
    expect(stdout).toMatch(/^db\/pg-in\s+2 /m);
    expect(stdout).toMatch(/^db\/default-deny\s+1 /m);
    expect(stdout).toMatch(/^2 packets in 2 records\nrows overlap/m);
    expect(JSON.parse((await ofStdin('--by', 'policy', '-o', 'json')).stdout)).toMatchObject({ groupsOverlap: true });
    expect((await ofStdin('--by', 'reason')).stdout).not.toContain('overlap');
  });
});

describe('loss', () => {
  test('causes, added up', async () => {
    const { stdout, exitCode } = await ask('loss');
    expect(stdout).toMatch(/^rate-limit {2}n1 {4}ingress {4}deny {5}900 {4}2026-11-22T10:00:10/m);
    expect(exitCode).toBe(0);
    expect(await document('loss', '--until', '2026-11-22T10:00:10Z')).toEqual({
      kind: 'AuditLosses',
      schemaVersion: 1,
      count: 0,
      losses: [],
    });
  });
});
