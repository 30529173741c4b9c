import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReachabilityDiff } from '../../src/model/reachability-diff.js';
import { bundle } from '../support/product.js';

const pod = (name: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: shop, labels: {app: ${name}}}\nspec: {containers: [{name: main}]}\n`;
const policy = (name: string, app: string, rules: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ${name}, namespace: shop}\nspec:\n  podSelector: {matchLabels: {app: ${app}}}\n${rules}`;
const ingress = (...rules: readonly string[]): string => `  policyTypes: [Ingress]\n  ingress: [${rules.join(', ')}]\n`;
const from = (app: string, port: number): string =>
  `{from: [{podSelector: {matchLabels: {app: ${app}}}}], ports: [{port: ${port}}]}`;
const block = (cidr: string): string => `{from: [{ipBlock: {cidr: ${cidr}}}], ports: [{port: 443}]}`;
const objects = [pod('web'), pod('db'), pod('job')].join('---\n');
const manifests = (...policies: readonly string[]): string => [objects, ...policies].join('---\n');

describe('podwall diff', () => {
  let folder: string;
  const diff = (...args: readonly string[]) =>
    execa(process.execPath, [bundle, 'diff', ...args], { cwd: folder, reject: false });
  const write = async (side: string, text: string): Promise<void> => {
    await mkdir(join(folder, side), { recursive: true });
    await writeFile(join(folder, side, 'all.yaml'), text);
  };
  const changes = async (...args: readonly string[]): Promise<ReachabilityDiff> =>
    JSON.parse((await diff(...args, '-o', 'json')).stdout) as ReachabilityDiff;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-diff-test-'));
  });
  beforeEach(async () => {
    await write('old', manifests(policy('db', 'db', ingress(from('web', 5432)))));
    await write('new', manifests(policy('db', 'db', ingress(from('job', 5432), from('web', 5433)))));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('what is gained and what is lost, with the policy that did it', async () => {
    expect(await changes('old', 'new')).toEqual({
      kind: 'ReachabilityDiff',
      schemaVersion: 1,
      policies: [{ change: 'changed', policy: 'shop/db' }],
      endpoints: [],
      connections: [
        {
          from: 'shop/Pod/job',
          to: 'shop/Pod/db',
          added: [{ protocol: 'TCP', first: 5432, last: 5432 }],
          removed: [],
          causes: ['shop/db'],
        },
        {
          from: 'shop/Pod/web',
          to: 'shop/Pod/db',
          added: [{ protocol: 'TCP', first: 5433, last: 5433 }],
          removed: [{ protocol: 'TCP', first: 5432, last: 5432 }],
          causes: ['shop/db'],
        },
      ],
    });
  });

  test('for people, in a document and in a table', async () => {
    const [text, md, csv] = await Promise.all(
      ['text', 'md', 'csv'].map(async (format) => (await diff('old', 'new', '-o', format)).stdout),
    );
    expect(text).toContain('~ NetworkPolicy shop/db');
    expect(text).toContain('shop/Pod/web -> shop/Pod/db: + TCP 5433; - TCP 5432  (by shop/db)');
    expect(text).toContain('2 gained, 1 lost');
    expect(md).toContain('| shop/Pod/job | shop/Pod/db | + TCP 5432 | shop/db |');
    expect(csv).toContain('shop/Pod/job,shop/Pod/db,,TCP 5432,,shop/db');
  });

  test('addresses outside: only the range that changed, as one', async () => {
    await write('old', manifests(policy('web', 'web', ingress(block('192.0.2.0/24'), block('198.51.100.0/24')))));
    await write('new', manifests(policy('web', 'web', ingress(block('192.0.2.0/25'), block('198.51.100.0/24')))));
    expect((await changes('old', 'new')).connections).toMatchObject([
      { from: '192.0.2.128-192.0.2.255', to: 'shop/Pod/web', added: [], removed: [{ first: 443, last: 443 }] },
    ]);
  });

  test('the same input twice is no change; policies that change nothing are reported too', async () => {
    expect(await changes('old', 'old')).toMatchObject({ policies: [], endpoints: [], connections: [] });
    await write('new', manifests(policy('db', 'db', ingress(from('web', 5432), from('web', 5432)))));
    expect(await changes('old', 'new')).toMatchObject({ policies: [{ change: 'changed' }], connections: [] });
  });

  test('a label that changed has no policy to blame', async () => {
    await write('old', manifests(policy('db', 'db', ingress(from('web', 5432)))));
    await write(
      'new',
      manifests(policy('db', 'db', ingress(from('web', 5432)))).replace('labels: {app: web}', 'labels: {app: other}'),
    );
    expect((await changes('old', 'new')).connections).toMatchObject([{ from: 'shop/Pod/web', causes: [] }]);
  });

  test('a policy that changed in the other direction only is not to blame for what another one took away', async () => {
    const egress = '  policyTypes: [Egress]\n  egress: []\n';
    const both = (port: number): string =>
      `  policyTypes: [Ingress, Egress]\n  egress: [{}]\n  ingress: [${from('job', port)}]\n`;
    const toDb = `  policyTypes: [Egress]\n  egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]\n`;
    const onlyWeb = policy('web', 'web', `  policyTypes: [Ingress, Egress]\n  ingress: [${from('job', 80)}]\n`);
    const otherWeb = policy('web', 'web', `  policyTypes: [Ingress, Egress]\n  ingress: [${from('job', 81)}]\n`);
    await write('old', manifests(onlyWeb, policy('to-db', 'web', toDb)));
    await write('new', manifests(otherWeb));
    expect((await changes('old', 'new')).connections).toMatchObject([
      { from: 'shop/Pod/job', to: 'shop/Pod/web', causes: ['shop/web'] },
      { from: 'shop/Pod/web', to: 'shop/Pod/db', causes: ['shop/to-db'] },
    ]);
    // A denial beside what allows everything changes nothing.
    await write('old', manifests(policy('web', 'web', both(80))));
    await write('new', manifests(policy('web', 'web', both(81)), policy('deny', 'web', egress)));
    expect((await changes('old', 'new')).connections).toMatchObject([{ to: 'shop/Pod/web', causes: ['shop/web'] }]);
  });

  test('policies that make a difference only together are named as such', async () => {
    const open = `  policyTypes: [Egress]\n  egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]\n`;
    const denials = [
      policy('deny-web', 'web', '  policyTypes: [Egress]\n'),
      policy('deny-db', 'db', '  policyTypes: [Ingress]\n'),
    ];
    const openings = ['a', 'b'].flatMap((name) => [
      policy(`${name}-out`, 'web', open),
      policy(`${name}-in`, 'db', ingress(from('web', 5432))),
    ]);
    await write('old', manifests(...denials));
    await write('new', manifests(...denials, ...openings));
    expect((await changes('old', 'new')).connections).toEqual([
      expect.objectContaining({ from: 'shop/Pod/web', causes: [], together: ['shop/b-in', 'shop/b-out'] }),
    ]);
    expect((await diff('old', 'new')).stdout).toContain('(by no single policy, shop/b-in, shop/b-out together)');
  });

  test('of a range outside, each part names what opened it', async () => {
    const [a, b] = ['192.0.2.0/25', '192.0.2.128/25'].map((cidr, index) =>
      policy(`open-${index}`, 'web', ingress(block(cidr))),
    );
    await write('old', manifests(policy('deny', 'web', '  policyTypes: [Ingress]\n')));
    await write('new', manifests(policy('deny', 'web', '  policyTypes: [Ingress]\n'), a ?? '', b ?? ''));
    expect((await changes('old', 'new')).connections).toMatchObject([
      { from: '192.0.2.0-192.0.2.127', causes: ['shop/open-0'] },
      { from: '192.0.2.128-192.0.2.255', causes: ['shop/open-1'] },
    ]);
  });

  test.each([
    [['old', 'new'], 0],
    [['old', 'new', '--fail-on', 'added'], 1],
    [['old', 'old', '--fail-on', 'any'], 0],
    [['old'], 2],
    [['live', 'new'], 2],
    [['old', 'missing'], 2],
  ])('%j exits %i', async (args, code) => {
    expect((await diff(...args)).exitCode).toBe(code);
  });

  test('a side without workloads is a difference; two of them are nothing to analyse', async () => {
    await write('old', policy('db', 'db', ''));
    expect((await diff('old', 'new', '--fail-on', 'added')).exitCode).toBe(1);
    expect((await diff('old', 'old')).exitCode).toBe(3);
  });

  test('two revisions of a path, and one against what is checked out', async () => {
    const git = (...args: readonly string[]) =>
      execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: folder });
    await git('init', '--quiet');
    await git('add', 'old');
    await git('commit', '--quiet', '-m', 'one');
    await write('old', manifests());
    await git('commit', '--quiet', '-a', '-m', 'two');
    expect(await changes('--git', 'HEAD~1..HEAD', 'old')).toMatchObject({
      policies: [{ change: 'removed', policy: 'shop/db' }],
    });
    await write('old', manifests(policy('db', 'db', ingress(from('web', 5432)))));
    expect(await changes('--git', 'HEAD', 'old')).toMatchObject({ policies: [{ change: 'added', policy: 'shop/db' }] });
    const wrong = await diff('--git', 'nowhere..HEAD', 'old');
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('--git nowhere')]);
    expect((await diff('--git', '--output=x..HEAD', 'old')).exitCode).toBe(2);
  });
});
