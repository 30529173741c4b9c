/** `podwall render` with an agent's flags, as a user gives them; test/kernel/render.test.ts compares it with agents. */
import { expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { bundle } from '../support/product.js';

jest.setTimeout(30_000);

const podwall = (...args: readonly string[]) => execa(process.execPath, [bundle, ...args], { reject: false });
const render = (...flags: readonly string[]) =>
  podwall(
    'render',
    '-f',
    'policies-examples/nodes.yaml',
    '-f',
    'policies-examples/02-default-deny-all',
    '--node',
    'n1',
    ...flags,
  );

test('records are in the ruleset where the agent makes them, and with its numbers', async () => {
  const [plain, counted, off, records] = await Promise.all([
    render(),
    render('--audit=counters', '--audit-log', '/var/log/podwall/audit.jsonl'),
    render('--audit-log=off'),
    render('--audit-log', '-', '--audit-group', '77', '--audit-rate=7'),
  ]);
  expect(plain.stdout).not.toContain('log prefix');
  expect([counted.stdout, off.stdout]).toEqual([plain.stdout, plain.stdout]);
  expect(records.stdout).toContain('group 77');
  expect(records.stdout).toContain('limit rate 7/second');
  expect([plain, counted, off, records].map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(
    Array.from({ length: 4 }, () => [0, '']),
  );
});

test('an agent’s flags about the file of its log are accepted, change nothing, and are offered to nobody', async () => {
  const flags = ['--audit-log-maxsize=3', '--audit-log-maxage=2', '--audit-log-maxbackup=1', '--audit-gzip=off'];
  const [plain, given, help, completion] = await Promise.all([
    render(),
    render(...flags, '--audit-log-rotate-after=24h'),
    podwall('render', '--help'),
    podwall('completion', 'bash'),
  ]);
  expect([given.exitCode, given.stdout, given.stderr]).toEqual([0, plain.stdout, '']);
  expect(help.stdout).not.toContain('maxsize');
  const offered = completion.stdout.split('\n').find((line) => line.includes('"render") words=')) ?? '';
  expect(offered).toMatch(/--unknown-pods .*--pod-cidrs .*--limits .*--mode .*--audit-log .*--max-policy-cidrs/);
  expect(offered).not.toContain('maxsize');
});

test('what has no effect, or fails closed, is said', async () => {
  const example = ['-f', 'policies-examples/02-default-deny-all', '--node', 'n1'];
  const unknown = await podwall('render', ...example, '--unknown-pods=deny');
  expect([unknown.exitCode, unknown.stderr]).toEqual([
    0,
    'podwall: --unknown-pods=deny has no effect: no pod CIDR of this node is known (--pod-cidrs)',
  ]);
  const policies = ['-f', 'policies-examples/03-dns-egress'];
  const warned = await render(...policies, '--max-policy-ports=1');
  const refused = await render(...policies, '--max-policy-ports=1', '--limits=enforce');
  expect(warned.stderr).toMatch(/^podwall: policy [\w-]+\/[\w-]+: spec.*more than 1 \(--max-policy-ports\)$/m);
  expect(refused.stderr).toMatch(/more than 1 \(--max-policy-ports\): it fails closed$/m);
  expect(refused.stdout).not.toBe(warned.stdout);
});

test.each<[readonly string[], string]>([
  [['render', '-f', '/nowhere', '--audit-max-size=3'], '--audit-max-size: use --audit-log-maxsize'],
  [['render', '-f', '/nowhere', '--mode=audit'], '"audit" is now "dry-run"'],
  [['render', '-f', '/nowhere', '--pod-cidrs=10.0.0.0/33'], '10.0.0.0/33 is not a CIDR.'],
  [
    ['render', '-f', '/nowhere', '--audit-log=a', '--audit-log=b'],
    '--audit-log: a file, - for standard output, or one of each',
  ],
  [['render', '-f', '/nowhere', '--audit-log', '/tmp'], '--audit-log /tmp: it is no file'],
  [['lint', '-f', '/nowhere', '--audit-log=a'], "unknown option '--audit-log=a'"],
])('podwall %j: exit 2, and why', async (args, message) => {
  const { exitCode, stderr, stdout } = await podwall(...args);
  expect(stderr).toContain(message);
  expect([exitCode, stdout]).toEqual([2, '']);
});
