import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { recordLine } from '../../src/audit/record.js';
import { deniedRecord } from '../audit/records.js';
import { bundle } from '../support/product.js';

const examples = resolve(import.meta.dirname, '../../policies-examples');
/** The command believes that it has run for a minute, and each look at the clock takes a second. */
const slowClock =
  'let looks = 60; Object.defineProperty(performance, "now", { value: () => 1000 * (looks += 1), configurable: true })';
const slow = ['--import', `data:text/javascript,${encodeURIComponent(slowClock)}`];

/** What a terminal is given, on a real one: stdout and stderr as they come. */
async function onTerminal(args: readonly string[], env: Record<string, string> = {}, node = slow): Promise<string> {
  const line = [process.execPath, ...node, bundle, ...args].map((word) => `'${word}'`).join(' ');
  const terminal = { TERM: 'xterm', CI: '', ...env };
  const { stdout } = await execa('script', ['-qec', line, '/dev/null'], { env: terminal, reject: false });
  return stdout;
}

const bars = (text: string): readonly string[] => text.match(/\[[#.]{24}\] +\d+ % {2}\S[^\r\u001b]*/g) ?? [];

describe('the progress of long work', () => {
  let folder: string;
  let log: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-progress-'));
    log = join(folder, 'audit.jsonl');
    await writeFile(log, recordLine(deniedRecord({})).repeat(500));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each([
    ['lint', ['lint', '-f', examples], [`reading ${examples}`, 'checking']],
    ['reach', ['reach', '-f', examples, '-o', 'json=/dev/null'], [`reading ${examples}`, 'pairs of workloads']],
    ['diff', ['diff', examples, examples, '-o', 'json=/dev/null'], ['reading', 'pairs of workloads']],
    ['test', ['test', join(examples, '12-three-tiers')], ['reading']],
  ])('%s draws it on a terminal, and leaves nothing of it there', async (_, args, whats) => {
    const shown = await onTerminal(args);
    for (const what of whats) expect(bars(shown).some((bar) => bar.includes(what))).toBe(true);
    // Every bar is erased before whatever comes next.
    expect(shown.split('\r\u001b[K').filter((piece) => bars(piece).length > 0 && !/ %  [^\n]*$/.test(piece))).toEqual(
      [],
    );
    expect(bars(shown.slice(shown.lastIndexOf('\r\u001b[K')))).toEqual([]);
  });

  test('it grows, and never beyond the whole', async () => {
    const parts = bars(await onTerminal(['lint', '-f', examples]))
      .filter((bar) => bar.endsWith('checking'))
      .map((bar) => Number(/(\d+) %/.exec(bar)?.[1]));
    expect(parts).toEqual([...parts].sort((a, b) => a - b));
    expect(parts.length).toBeGreaterThan(20);
    expect(parts.at(-1)).toBeLessThanOrEqual(100);
  });

  test.each([
    ['summary', ['audit', 'summary']],
    ['verify', ['audit', 'verify']],
  ])('audit %s draws how much of the log is read', async (_, args) => {
    const shown = bars(await onTerminal([...args, '--log', log]));
    expect(shown[0]).toMatch(/ {2}reading the log$/);
    expect(shown.at(-1)).toContain('100 %');
  });

  test('what takes less than a second draws nothing', async () => {
    const quick = 'Object.defineProperty(performance, "now", { value: () => 999, configurable: true })';
    const node = ['--import', `data:text/javascript,${encodeURIComponent(quick)}`];
    expect(await onTerminal(['lint', '-f', examples], {}, node)).not.toContain('\u001b[K');
  });

  test.each([
    ['CI', { CI: 'true' }],
    ['a terminal that cannot erase', { TERM: 'dumb' }],
  ])('none in %s', async (_, env) => {
    expect(await onTerminal(['lint', '-f', examples], env)).not.toContain('\u001b[K');
  });

  test('none where pairs come to the same terminal', async () => {
    expect(bars(await onTerminal(['reach', '-f', examples, '-o', 'csv'])).join()).not.toContain('pairs of workloads');
  });

  test.each([
    ['lint', ['lint', '-f', examples]],
    ['reach', ['reach', '-f', examples, '-o', 'json']],
    ['diff', ['diff', examples, examples]],
  ])('%s writes none of it into a pipe', async (_, args) => {
    const { stderr, stdout } = await execa(process.execPath, [...slow, bundle, ...args], { reject: false });
    expect(bars(stderr + stdout)).toEqual([]);
    expect(stderr).not.toContain('\u001b');
  });
});
