/** What the audit commands print as JSON and YAML, held to the schemas that ship with them. */
import { expect, test } from '@jest/globals';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { examplesDirectory } from '../cases/examples.js';
import { audit, useRecordedMinute } from '../cli/audit/recorded-minute.js';
import { problemsOf } from '../support/schemas.js';

const minute = useRecordedMinute();
const tiers = join(examplesDirectory, '12-three-tiers', 'policy.yaml');
const dns = join(examplesDirectory, '03-dns-egress', 'policy.yaml');
const id = (index: number) => (): readonly string[] => ['explain', minute.ids[index] ?? ''];

const commands: readonly (readonly [string, string, () => readonly string[]])[] = [
  ['audit-denials', 'denied', () => ['denied']],
  ['audit-denials', 'denied, with advice', () => ['denied', '--reason', 'source-guard']],
  ['audit-denials', 'denied, nothing', () => ['denied', '--reason', 'unknown-pod']],
  ['audit-explanation', 'explain, a denial', id(0)],
  ['audit-explanation', 'explain, another policy set', () => [...id(0)(), '--policies', dns]],
  ['audit-explanation', 'explain, what no policy decided', id(4)],
  ['audit-losses', 'loss', () => ['loss']],
  ['audit-replay', 'replay', () => ['replay', '--policies', tiers]],
  ['audit-replay', 'replay, other policies', () => ['replay', '--policies', dns]],
  ['audit-summary', 'summary', () => ['summary']],
  ['audit-summary', 'summary, by other fields', () => ['summary', '--by', 'network.type,reason', '--bucket', '10s']],
  ['audit-summary', 'summary, nothing', () => ['summary', '--reason', 'unknown-pod']],
  ['audit-verification', 'verify', () => ['verify']],
];

test.each(commands)('%s: %s', async (schema, _, args) => {
  const file = join(minute.folder, 'out.yaml');
  const [command = '', ...rest] = args();
  const { stdout, stderr } = await minute.ask(command, ...rest, '-o', 'json', '-o', `yaml=${file}`);
  expect([stderr, stdout]).toEqual([expect.anything(), expect.stringMatching(/^\{/)]);
  const document: unknown = JSON.parse(stdout);
  expect(problemsOf(schema, document)).toEqual([]);
  expect(parse(await readFile(file, 'utf8'))).toEqual(document);
  await rm(file);
});

test('audit-record: every line of show', async () => {
  const { stdout } = await minute.ask('show', '-o', 'json');
  const lines = stdout.split('\n');
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) expect(problemsOf('audit-record', JSON.parse(line))).toEqual([]);
});

test('audit-verification and audit-explanation: of a log that is broken, and stands alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podwall-audit-broken-'));
  const log = join(folder, 'audit.jsonl');
  await cp(join(minute.folder, 'audit.jsonl'), log);
  const [first = '', second = '', third = '', ...rest] = (await readFile(log, 'utf8')).split('\n');
  const wrong = third.replace('"podwall.mode":"enforce"', '"podwall.mode":"maybe"');
  await writeFile(log, `${first}\n${wrong}\n${second.slice(0, 200)}\n${rest.join('\n')}`);
  const { stdout, exitCode } = await audit('verify', '--log', folder, '-o', 'json');
  const document = JSON.parse(stdout) as Record<string, unknown>;
  expect([exitCode, document['whole'], problemsOf('audit-verification', document)]).toEqual([1, false, []]);
  const explained = await audit('explain', minute.ids[4] ?? '', '--log', folder, '-o', 'json');
  expect(JSON.parse(explained.stdout)).toMatchObject({ then: 'unknown' });
  expect(problemsOf('audit-explanation', JSON.parse(explained.stdout))).toEqual([]);
  await rm(folder, { recursive: true });
});
