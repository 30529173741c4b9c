/** What commands answer about policies in a dry run, and with `--include-dry-run`. */
import { expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { resolve } from 'node:path';
import { bundle } from '../support/product.js';

jest.setTimeout(30_000);

const root = resolve(import.meta.dirname, '../..');
const podwall = (...args: readonly string[]) =>
  execa(process.execPath, [bundle, ...args], { reject: false, cwd: root });
const example = ['-f', 'policies-examples/17-default-deny-dry-run'];
const note = 'podwall: in a dry run, so not counted: legacy/default-deny (--include-dry-run counts them)';

test('can answers for what is enforced, says what is not counted, and counts it on request', async () => {
  const enforced = await podwall('can', 'cron.legacy', 'app.legacy', '8080', ...example);
  expect([enforced.exitCode, enforced.stderr]).toEqual([0, note]);
  expect(enforced.stdout).toContain('no policy isolates legacy/Pod/app for ingress');
  const all = await podwall('can', 'cron.legacy', 'app.legacy', '8080', ...example, '--include-dry-run');
  expect([all.exitCode, all.stderr]).toEqual([1, '']);
  expect(all.stdout).toContain('ingress isolated by legacy/default-deny');
});

test('what is enforced beside it stays so in both answers', async () => {
  for (const flags of [[], ['--include-dry-run']]) {
    expect((await podwall('can', 'cron.legacy', 'ledger.legacy', '8080', ...example, ...flags)).exitCode).toBe(1);
    expect((await podwall('can', 'app.legacy', 'ledger.legacy', '8080', ...example, ...flags)).exitCode).toBe(0);
  }
});

test('explain names the policies in it only when it counts them', async () => {
  const enforced = await podwall('explain', 'app.legacy', ...example);
  expect(enforced.stdout).not.toContain('default-deny');
  const all = await podwall('explain', 'app.legacy', ...example, '--include-dry-run');
  expect(all.stdout).toContain('legacy/default-deny');
});

test('reach has fewer pairs when it counts them', async () => {
  const pairs = async (...flags: readonly string[]): Promise<number> => {
    const { stdout } = await podwall('reach', ...example, '-o', 'json', ...flags);
    const { connections } = JSON.parse(stdout) as { connections: { from: string; to: string }[] };
    return connections.filter(({ from, to }) => [from, to].every((id) => id.startsWith('legacy/'))).length;
  };
  expect(await pairs()).toBe(5);
  // Only the ledger still hears from the application.
  expect(await pairs('--include-dry-run')).toBe(1);
});

test('render shows both: what is enforced, and what is only recorded', async () => {
  const { stdout } = await podwall('render', '--node', 'n2', '-f', 'policies-examples/nodes.yaml', ...example);
  const elements = stdout.split('\n').find((line) => line.includes('map ingress4 '));
  expect(elements).toMatch(/10\.244\.2\.35 : goto dry-run-iso-in-\w+, 10\.244\.2\.36 : goto iso-in-\w+/);
  expect(stdout).toContain('comment "ingress dry run of legacy/default-deny"');
  expect(stdout).toMatch(/set isolated-in4 \{ type ipv4_addr; comment "[^"]+"; elements = \{ 10\.244\.2\.36 \}; \}/);
});
