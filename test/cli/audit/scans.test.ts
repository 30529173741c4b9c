/** The audit commands over a log with a file of scans beside it: each reads it, and says so. */
import { beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { recordLine } from '../../../src/audit/record.js';
import { examplesDirectory } from '../../cases/examples.js';
import { scanRecord } from '../../audit/records.js';
import { bundle } from '../../support/product.js';
import { problemsOf } from '../../support/schemas.js';
import { until } from '../../support/until.js';
import { useRecordedMinute } from './recorded-minute.js';

const minute = useRecordedMinute();
const { ask, document } = minute;
const tiers = join(examplesDirectory, '12-three-tiers', 'policy.yaml');
const scanFile = (): string => join(minute.folder, 'audit-scan.jsonl');
const text =
  '2026-11-22T10:00:20Z n1 DENY egress bookshop/web -> 4990 addresses (10.9.0.1:9/udp, …) 2 ports SCAN default-deny by bookshop/caged (5000 packets)';

beforeAll(() => appendFile(scanFile(), recordLine(scanRecord())));

test('show: a line for each, which filters select; what was read is said', async () => {
  const { stdout, stderr } = await ask('show', '--from-pod', 'bookshop/web', '--policy', 'bookshop/caged');
  expect(stdout).toBe(text);
  expect(stderr).toContain('of these records, 1 sum 5000 packets of senders that were past their share (scans)');
  const { stdout: json } = await ask('show', '--policy', 'bookshop/caged', '-o', 'json');
  expect(problemsOf('audit-record', JSON.parse(json))).toEqual([]);
});

test('show -f follows the log and its scans', async () => {
  const following = execa(process.execPath, [bundle, 'audit', 'show', '-f', '--log', minute.folder]);
  let shown = '';
  following.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  await until(() => shown.includes(text) && shown.includes('bookshop/db:40009'), 20_000);
  await appendFile(scanFile(), recordLine(scanRecord({ 'event.sequence': 2, 'podwall.count': 77 })));
  await until(() => shown.includes('(77 packets)'), 20_000);
  following.kill('SIGINT');
  await following;
}, 60_000);

test('summary counts their packets', async () => {
  const summary = await document('summary', '--by', 'from,to,port', '--policy', 'bookshop/caged');
  expect(summary).toMatchObject({
    count: 5077,
    scans: { records: 2, packets: 5077 },
    groups: [{ from: 'bookshop/Pod/web', to: '4990 addresses', port: '2 ports', count: 5077 }],
  });
  expect(problemsOf('audit-summary', summary)).toEqual([]);
});

test('explain: of a flow without a record it names the scan of its sender', async () => {
  const { stdout, exitCode } = await ask('explain', '10.244.1.26:4000', '10.9.7.7:9', 'udp');
  expect([stdout, exitCode]).toEqual([expect.stringMatching(/SCAN[^]*past its share/), 4]);
});

test('replay does not guess which flows they hold', async () => {
  const { stdout } = await ask('replay', '--policies', tiers);
  expect(stdout).toContain('unknown: 5077 packets in 2 records of scans, which name no single flow');
  const replayed = await document('replay', '--policies', tiers);
  expect(problemsOf('audit-replay', replayed)).toEqual([]);
});

test('verify: scans are numbered for themselves', async () => {
  const { stdout, exitCode } = await ask('verify');
  expect([stdout, exitCode]).toEqual([expect.stringContaining('n1 boot-1 (scans): lines 1 to 2'), 0]);
});
