/** Every class of bad input, before every reader of manifests: an error with its place, at once, and never a crash. */
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileInput } from '../../src/analysis/compiled-input.js';
import { readInputs } from '../../src/cli/policy/inputs.js';
import { readLintInputs } from '../../src/cli/policy/lint-inputs.js';
import { readManifests } from '../../src/cluster/directory.js';
import { InputError } from '../../src/generic/input-error.js';
import { lint } from '../../src/lint/engine.js';
import { bundle } from '../support/product.js';

jest.setTimeout(60_000);

const header = 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n';
const policy = `${header}metadata: {name: p, namespace: shop}\nspec: {podSelector: {}, policyTypes: [Ingress]}\n`;
const spec = (text: string): string => policy.replace('{podSelector: {}, policyTypes: [Ingress]}', text);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-bad-input-'));
});
beforeEach(async () => {
  await rm(folder, { recursive: true });
  await mkdir(folder);
});
afterAll(() => rm(folder, { recursive: true }));

/** What each reader says of what lies in the folder, one text a reader. */
async function reportedBy(path: string): Promise<Readonly<Record<'analysis' | 'lint' | 'agent', string>>> {
  const inputs = await readInputs({ file: [path] });
  compileInput(inputs, { ipBlocks: 'cluster', podCidrs: [], includeDryRun: false });
  const { input, unparsed } = await readLintInputs({ file: [path], closedWorld: false });
  const findings = lint(input)
    .filter(({ severity }) => severity === 'error')
    .map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  const refused = await readManifests([path]).then(
    ({ problems }) =>
      problems
        .map(
          ({ file, line, column, diagnostic }) =>
            `${file}:${line}:${column}: ${diagnostic.path.join('.')}: ${diagnostic.message}`,
        )
        .join('\n'),
    (error: unknown) => {
      if (error instanceof InputError) return error.message;
      throw error;
    },
  );
  return {
    analysis: [...inputs.unparsed, ...inputs.problems].join('\n'),
    lint: [...unparsed, ...findings].join('\n'),
    agent: refused,
  };
}

const nested = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);
const utf16 = (text: string, order: 'le' | 'be'): Buffer => {
  const bytes = Buffer.from(text, 'utf16le');
  return order === 'le' ? bytes : bytes.swap16();
};
const bomb = Array.from({ length: 9 }, (_, level) =>
  level === 0
    ? 'a0: &a0 [x, x, x, x, x, x, x, x, x]'
    : `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
).join('\n');
const manyAliases = `a: &a 1\nb: [${Array(20_000).fill('*a').join(', ')}]\n`;
const wideMerge = `a: &a {${Array.from({ length: 5000 }, (_, key) => `k${key}: 1`).join(', ')}}\n${Array.from({ length: 500 }, (_, key) => `b${key}: {<<: *a}`).join('\n')}\n`;

describe('a file that cannot be read: where, and why', () => {
  test.each<readonly [string, string, string | Buffer, RegExp]>([
    ['binary', 'f.yaml', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0]), /:1:5: not a text file: .*U\+0002/],
    [
      'bytes that are no UTF-8',
      'f.yaml',
      Buffer.from(policy.replace('shop', 'sh\xf6p'), 'latin1'),
      /:3:34: not UTF-8: byte 0xF6/,
    ],
    [
      'UTF-16, little end first, without its mark',
      'f.yaml',
      utf16(policy, 'le'),
      /:1:1: UTF-16 without a byte order mark/,
    ],
    [
      'UTF-16, big end first, without its mark',
      'f.yaml',
      utf16(policy, 'be'),
      /:1:1: UTF-16 without a byte order mark/,
    ],
    ['a tab as indentation', 'f.yaml', `${header}metadata:\n\tname: p\n`, /:4:1: Tabs are not allowed as indentation/],
    [
      'a key twice',
      'f.yaml',
      policy.replace('{name: p,', '{name: p, name: q,'),
      /:3:21: this key appears twice in one mapping/,
    ],
    [
      'a key twice in JSON',
      'f.json',
      '{"kind": "Pod",\n "a": {"b": 1, "\\u0062": 2}}',
      /:2:16: this key appears twice in one mapping/,
    ],
    [
      'a key twice through two types',
      'f.yaml',
      'a: {true: 1, "true": 2}\n',
      /:1:14: this key appears twice in one mapping/,
    ],
    ['a list as a key', 'f.yaml', 'a: {[b]: 1}\n', /:1:5: a mapping or a list cannot be a key/],
    ['aliases that double at every level', 'f.yaml', bomb, /:\d+:\d+: too many aliases/],
    ['very many aliases', 'f.yaml', manyAliases, /:2:\d+: too many aliases/],
    ['a wide mapping merged often', 'f.yaml', wideMerge, /:\d+:\d+: too many aliases/],
    ['an anchor that contains itself', 'f.yaml', 'a: &a\n  b: *a\n', /:2:6: &a contains itself/],
    ['an alias without an anchor', 'f.yaml', 'a: *b\n', /:1:4: there is no anchor &b/],
    ['flow lists without end', 'f.yaml', `a: ${nested('[', ']', 100_000)}`, /:1:\d+: nested deeper than 250 levels/],
    ['block lists without end', 'f.yaml', '- '.repeat(50_000), /:1:\d+: nested deeper than 250 levels/],
    [
      'mappings without end',
      'f.yaml',
      Array.from({ length: 400 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
      /:25\d:\d+: nested deeper/,
    ],
    ['JSON without end', 'f.json', `{"a": ${nested('[', ']', 100_000)}}`, /:1:\d+: nested deeper than 250 levels/],
    [
      'Lists of Lists without end',
      'f.json',
      `${'{"kind": "List", "items": ['.repeat(20_000)}${']}'.repeat(20_000)}`,
      /:1:\d+: nested deeper/,
    ],
    [
      'many keys, and one twice',
      'f.yaml',
      `${Array.from({ length: 50_000 }, (_, key) => `k${key}: 1`).join('\n')}\nk7: 2\n`,
      /:50001:1: this key appears twice in one mapping/,
    ],
    [
      'a boolean for a namespace, in YAML 1.1',
      'f.yaml',
      policy.replace('shop', 'n'),
      /:3:\d+: metadata\.namespace: must be a string, not the boolean false/,
    ],
    [
      'a number for a name',
      'f.yaml',
      policy.replace('name: p', 'name: 1e3'),
      /:3:\d+: metadata\.name: must be a string, not the number 1000/,
    ],
    ['no name', 'f.yaml', policy.replace('name: p, ', ''), /:3:\d+: metadata\.name: Required value/],
    [
      'an unknown apiVersion',
      'f.yaml',
      policy.replace('networking.k8s.io/v1', 'networking.k8s.io/v2'),
      /:1:\d+: .*networking\.k8s\.io\/v2|NetworkPolicy of networking\.k8s\.io\/v2/,
    ],
    [
      'a selector without values',
      'f.yaml',
      spec('{podSelector: {matchExpressions: [{key: a, operator: In}]}}'),
      /:4:\d+: .*values.*Required value/,
    ],
    [
      'an unknown operator',
      'f.yaml',
      spec('{podSelector: {matchExpressions: [{key: a, operator: Is}]}}'),
      /:4:\d+: .*operator.*not a valid selector operator/,
    ],
  ])('%s', async (_, name, content, expected) => {
    const path = join(folder, name);
    await writeFile(path, content);
    const before = process.cpuUsage();
    const { analysis, lint: linted, agent } = await reportedBy(path);
    const { user, system } = process.cpuUsage(before);
    // Three readers; microseconds of this process, since others may be busy on the machine.
    expect(user + system).toBeLessThan(3 * 5_000_000);
    expect([analysis, linted, agent]).toEqual([analysis, linted, agent].map(() => expect.stringMatching(expected)));
  });
});

describe('what looks odd and can be read', () => {
  test.each([
    ['a byte order mark', Buffer.from(`\uFEFF${policy}`)],
    ['UTF-16 with its mark, little end first', utf16(`\uFEFF${policy}`, 'le')],
    ['UTF-16 with its mark, big end first', utf16(`\uFEFF${policy}`, 'be')],
    ['CRLF', Buffer.from(policy.replaceAll('\n', '\r\n'))],
    [
      'anchors and merges, used with measure',
      Buffer.from(
        spec('&s {podSelector: &p {}, <<: {policyTypes: [Ingress]}, ingress: [{from: [{podSelector: *p}]}]}'),
      ),
    ],
    ['a tab within a line', Buffer.from(policy.replace('kind: ', 'kind:\t'))],
  ])('%s', async (_, content) => {
    await writeFile(join(folder, 'f.yaml'), content);
    expect(await reportedBy(folder)).toEqual({ analysis: '', lint: '', agent: '' });
    expect((await readInputs({ file: [folder] })).policies).toMatchObject([{ kind: 'policy', ref: { name: 'p' } }]);
  });

  test('one document of a file that cannot be read leaves the others', async () => {
    await writeFile(join(folder, 'f.yaml'), `${policy}---\nkind: [\n---\n${policy.replace('name: p', 'name: q')}`);
    const { policies, unparsed } = await readInputs({ file: [folder] });
    expect(policies.map(({ ref }) => ref.name)).toEqual(['p', 'q']);
    expect(unparsed).toEqual([expect.stringMatching(/f\.yaml:7:1: /)]);
    expect((await readLintInputs({ file: [folder], closedWorld: false })).input.policies).toHaveLength(2);
  });
});

const commands: readonly (readonly [string, readonly string[]])[] = [
  ['lint', ['-f', '.']],
  ['reach', ['-f', '.']],
  ['can', ['10.0.0.1', '10.0.0.2', '-f', '.']],
  ['explain', ['10.0.0.1', '10.0.0.2', '-f', '.']],
  ['diff', ['.', '.']],
  ['test', ['-f', '.']],
];

describe.each(commands)('podwall %s', (command, args) => {
  const podwall = (more: readonly string[] = []) =>
    execa(process.execPath, [bundle, command, ...args, ...more], { cwd: folder, reject: false, timeout: 20_000 });
  const bad: readonly (readonly [string, RegExp, () => Promise<unknown>])[] = [
    [
      'a link to itself',
      /loop\.yaml: a symbolic link that leads to itself/,
      () => symlink('loop.yaml', join(folder, 'loop.yaml')),
    ],
    [
      'a file that the system does not give',
      /memory\.yaml: .*EIO/,
      () => symlink('/proc/self/mem', join(folder, 'memory.yaml')),
    ],
    ['an alias bomb', /bomb\.yaml:\d+:\d+: too many aliases/, () => writeFile(join(folder, 'bomb.yaml'), bomb)],
  ];

  test('what cannot be read beside what can: one unparsed document each, exit 4', async () => {
    await writeFile(join(folder, 'good.yaml'), policy);
    if (command === 'test')
      await writeFile(
        join(folder, 'expected.yaml'),
        'apiVersion: podwall.dev/v1alpha1\nkind: Assertions\nmetadata: {name: a}\nspec: {expect: []}\n',
      );
    await mkdir(join(folder, 'below'));
    await symlink('..', join(folder, 'below', 'up'));
    for (const [, , make] of bad) await make();
    const { exitCode, stderr } = await podwall();
    expect([exitCode, stderr]).toEqual([4, expect.not.stringMatching(/^\s+at /m)]);
    for (const [, message] of bad) expect(stderr).toMatch(message);
    expect((await podwall(['--allow-partial'])).exitCode).not.toBe(4);
  });
});

describe('podwall lint and reach', () => {
  const podwall = (...args: readonly string[]) =>
    execa(process.execPath, [bundle, ...args], { cwd: folder, reject: false, timeout: 20_000 });

  test.each(['lint', 'reach'])('%s: an empty directory is 3, a path that is not there 2', async (command) => {
    expect((await podwall(command, '-f', '.')).exitCode).toBe(3);
    const { exitCode, stderr } = await podwall(command, '-f', 'nowhere');
    expect([exitCode, stderr]).toEqual([2, 'podwall: nowhere: no such file or directory']);
  });

  test.each(['lint', 'reach'])('%s: 100 MB of YAML, and a stream without end, are refused at once', async (command) => {
    await writeFile(join(folder, 'large.yaml'), policy);
    await truncate(join(folder, 'large.yaml'), 100 * 1024 * 1024);
    const large = await podwall(command, '-f', 'large.yaml');
    expect([large.exitCode, large.stderr]).toEqual([2, expect.stringMatching(/large\.yaml:\d+:\d+: /)]);
    const endless = await podwall(command, '-f', '/dev/zero');
    expect([endless.exitCode, endless.stderr]).toEqual([2, expect.stringContaining('/dev/zero:1:1: more than 128 MB')]);
  });

  const unprivileged = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  test('a directory and a file that the user may not read', async () => {
    await writeFile(join(folder, 'good.yaml'), policy);
    await writeFile(join(folder, 'secret.yaml'), policy, { mode: 0 });
    await mkdir(join(folder, 'closed'), { mode: 0 });
    await chmod(folder, 0o755);
    const { exitCode, stderr } = await execa(process.execPath, [bundle, 'lint', '-f', folder], {
      ...unprivileged,
      cwd: '/',
      reject: false,
    });
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining('secret.yaml: permission denied')]);
    expect(stderr).toContain('closed: permission denied');
    await chmod(join(folder, 'closed'), 0o755);
  });
});
