/** Flags and values under their previous names: refused with the new one, and never read with a new meaning. */
import { expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { bundle } from '../support/product.js';

jest.setTimeout(30_000);

const agent = ['agent', '--manifests', '/nowhere'];
const value = (before: string, now: string): string => `"${before}" is now "${now}".`;

test.each<[readonly string[], string]>([
  [[...agent, '--audit-max-age', '24'], '--audit-max-age: use --audit-log-rotate-after'],
  [[...agent, '--audit-max-age=24'], '--audit-log-maxage is the days that rotated files are kept'],
  [[...agent, '--audit-max-size', '100'], '--audit-max-size: use --audit-log-maxsize'],
  [[...agent, '--audit-keep', '10'], '--audit-keep: use --audit-log-maxbackup'],
  [[...agent, '--cni-results', 'off'], '--cni-results: use --cni-cache-dir'],
  [[...agent, '--mode=audit'], value('audit', 'dry-run')],
  [[...agent, '--established=cut'], value('cut', 'reevaluate')],
  [['render', '-f', '/nowhere', '--established=cut'], value('cut', 'reevaluate')],
  ...['can', 'explain', 'reach', 'diff', 'test'].map((command): [readonly string[], string] => [
    [command, '--with-audited', 'a', 'b'],
    '--with-audited: use --include-dry-run',
  ]),
  ...['show', 'denied', 'summary'].flatMap((command): [readonly string[], string][] => [
    [['audit', command, '--log', '/nowhere', '--mode', 'audit'], value('audit', 'dry-run')],
    [['audit', command, '--log', '/nowhere', '--verdict', 'audit'], value('audit', 'dry-run')],
  ]),
])('podwall %j', async (args, message) => {
  const { exitCode, stderr, stdout } = await execa(process.execPath, [bundle, ...args], { reject: false });
  expect(stderr.replaceAll(/\s+/g, ' ')).toContain(message);
  expect([exitCode, stdout]).toEqual([2, '']);
});

test('a bare number is no age of a file', async () => {
  const { exitCode, stderr } = await execa(process.execPath, [bundle, ...agent, '--audit-log-rotate-after', '24'], {
    reject: false,
  });
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('must be a duration')]);
});
