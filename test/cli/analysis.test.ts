/** reach, can and test as a user meets them: the built bundle, as a process. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examples, examplesDirectory } from '../cases/examples.js';
import { bundle } from '../support/product.js';

// Each question is a process of its own.
jest.setTimeout(30_000);

const podwall = (args: readonly string[], input = '') =>
  execa(process.execPath, [bundle, ...args], { reject: false, input });

const shop = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec: { template: { metadata: { labels: { app: web } }, spec: { containers: [] } } }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: report, namespace: shop }
spec: { jobTemplate: { spec: { template: { metadata: { labels: { app: report } }, spec: { containers: [] } } } } }
---
apiVersion: v1
kind: Pod
metadata:
  name: db-5d4f-x1
  namespace: shop
  labels: { app: db, pod-template-hash: 5d4f }
  ownerReferences: [{ kind: ReplicaSet, name: db-5d4f, controller: true }]
spec: { containers: [{ name: pg, ports: [{ name: pg, containerPort: 5432 }] }] }
status: { phase: Running }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: db, namespace: shop }
spec:
  podSelector: { matchLabels: { app: db } }
  ingress: [{ from: [{ podSelector: { matchLabels: { app: web } } }], ports: [{ port: pg }] }]
`;
const open = [
  { protocol: 'SCTP', first: 1, last: 65535 },
  { protocol: 'TCP', first: 1, last: 65535 },
  { protocol: 'UDP', first: 1, last: 65535 },
];

describe('reach', () => {
  test('json: owners as endpoints, pairs with something allowed, no self pairs', async () => {
    const { stdout, exitCode } = await podwall(['reach', '-f', '-', '-o', 'json'], shop);
    const found = JSON.parse(stdout) as {
      kind: string;
      schemaVersion: number;
      endpoints: { id: string }[];
      connections: { from: string; to: string; allowed: unknown }[];
    };
    expect([exitCode, found.kind, found.schemaVersion]).toEqual([0, 'Reachability', 1]);
    expect(found.endpoints.map(({ id }) => id)).toEqual([
      '0.0.0.0-255.255.255.255',
      '::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      'shop/CronJob/report',
      'shop/Deployment/db',
      'shop/Deployment/web',
    ]);
    const between = (from: string, to: string): unknown =>
      found.connections.find((one) => one.from === from && one.to === to)?.allowed;
    expect(between('shop/Deployment/web', 'shop/Deployment/db')).toEqual([
      { protocol: 'TCP', first: 5432, last: 5432 },
    ]);
    expect(between('shop/CronJob/report', 'shop/Deployment/db')).toBeUndefined();
    expect(between('shop/Deployment/db', 'shop/CronJob/report')).toEqual(open);
    expect(between('0.0.0.0-255.255.255.255', 'shop/Deployment/web')).toEqual(open);
    expect(found.connections.every(({ from, to }) => from !== to)).toBe(true);
  });

  test.each([
    ['an empty directory', [], 3],
    ['nothing to read', undefined, 2],
  ])('%s', async (_, files, code) => {
    const folder = await mkdtemp(join(tmpdir(), 'podwall-reach-'));
    const { exitCode } = await podwall(['reach', ...(files === undefined ? [] : ['-f', folder])]);
    await rm(folder, { recursive: true });
    expect(exitCode).toBe(code);
  });

  test('templates are skipped with a message, and what cannot be parsed makes the answer partial', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'podwall-reach-'));
    await writeFile(join(folder, 'shop.yaml'), shop);
    await writeFile(join(folder, 'chart.yaml'), '{{- if .Values.on }}\nkind: {{ .Values.kind }}\n{{- end }}\n');
    const skipped = await podwall(['reach', '-f', folder]);
    expect([skipped.exitCode, skipped.stderr]).toEqual([
      0,
      expect.stringContaining('chart.yaml: this is a template, not YAML'),
    ]);
    await writeFile(join(folder, 'bad.yaml'), 'kind: [\n');
    const partial = await podwall(['reach', '-f', folder]);
    expect([partial.exitCode, partial.stderr]).toEqual([4, expect.stringMatching(/bad\.yaml:\d+:\d+: /)]);
    expect((await podwall(['reach', '-f', folder, '--allow-partial'])).exitCode).toBe(0);
    await rm(folder, { recursive: true });
  });
});

describe('can', () => {
  test.each([
    [['web.shop', 'db.shop', '5432'], 0, 'ingress allowed by shop/db ingress[0]'],
    [['web.shop', 'db.shop', 'pg'], 0, 'yes: shop/Deployment/web may reach shop/Deployment/db on TCP 5432'],
    [['deployment/web.shop', 'deployment/db.shop'], 0, 'TCP 5432'],
    [['web.shop', 'db.shop', '5432/UDP'], 1, 'ingress isolated by shop/db, and no rule allows it'],
    [['shop/CronJob/report', 'db.shop', '5432'], 1, 'no: '],
    [['internet', 'db.shop', '5432'], 1, 'isolated by shop/db'],
    [['db.shop', '203.0.113.7', '443'], 0, 'no policy isolates shop/Deployment/db for egress'],
    [['wab.shop', 'db.shop', '5432'], 2, 'no endpoint is called wab.shop'],
    [['web.shop', 'db.shop', 'http'], 2, 'has no TCP port named http'],
  ])('%j: exit %i', async (args, code, text) => {
    const { stdout, stderr, exitCode } = await podwall(['can', ...args, '-f', '-'], shop);
    expect([exitCode, stdout + stderr]).toEqual([code, expect.stringContaining(text)]);
    expect(stderr).not.toContain('at ');
  });
});

describe('test', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-test-'));
    await writeFile(join(folder, 'shop.yaml'), shop);
  });
  afterAll(() => rm(folder, { recursive: true }));
  const assertions = (spec: object): Promise<void> =>
    writeFile(
      join(folder, 'expected.yaml'),
      JSON.stringify({ apiVersion: 'podwall.dev/v1alpha1', kind: 'Assertions', metadata: { name: 'a' }, spec }),
    );
  const run = (...more: readonly string[]) => podwall(['test', join(folder, 'expected.yaml'), ...more]);

  test('every example holds', async () => {
    const files = examples().map(({ directory }) => join(examplesDirectory, directory, 'expected.yaml'));
    const count = examples().reduce((sum, { cells }) => sum + cells.length, 0);
    const { stdout, exitCode } = await podwall(['test', ...files]);
    expect([stdout, exitCode]).toEqual([`${count} passed, 0 failed`, 0]);
  });

  test('what does not hold is named, in every format', async () => {
    await assertions({
      expect: [
        { from: 'web.shop', to: 'db.shop', port: 'pg', allowed: true },
        { from: 'report.shop', to: 'db.shop', port: 5432, allowed: true },
      ],
    });
    expect((await run()).stdout).toContain('report.shop -> db.shop TCP 5432 allowed: it is denied');
    const tap = await run('-o', 'tap');
    expect([tap.exitCode, tap.stdout]).toEqual([
      1,
      expect.stringMatching(/^TAP version 13\n1\.\.2\nok 1 .*\nnot ok 2 /),
    ]);
    expect((await run('-o', 'junit')).stdout).toContain('<testsuite name="podwall" tests="2" failures="1">');
  });

  test('unlisted: denied finds what nothing lists', async () => {
    await assertions({ unlisted: 'denied', expect: [{ from: 'web.shop', to: 'db.shop', port: 'pg', allowed: true }] });
    const { stdout, exitCode } = await run();
    expect([exitCode, stdout]).toEqual([
      1,
      expect.stringContaining('shop/Deployment/db -> shop/Deployment/web denied'),
    ]);
  });

  test('unlisted: denied finds further ports of a pair that is listed', async () => {
    const wide = shop.replace('ports: [{ port: pg }]', 'ports: [{ port: pg }, { port: 22 }]');
    await assertions({ unlisted: 'denied', expect: [{ from: 'web.shop', to: 'db.shop', port: 'pg', allowed: true }] });
    const { stdout } = await podwall(['test', join(folder, 'expected.yaml'), '-f', '-'], wide);
    expect(stdout).toContain(
      'shop/Deployment/web -> shop/Deployment/db denied but for what is listed: TCP 22 is allowed',
    );
  });

  test('stdin is read once, for all files with Assertions', async () => {
    await assertions({ expect: [{ from: 'web.shop', to: 'db.shop', port: 'pg', allowed: true }] });
    const file = join(folder, 'expected.yaml');
    const { stdout, exitCode } = await podwall(['test', file, file, '-f', '-'], shop);
    expect([stdout, exitCode]).toEqual(['2 passed, 0 failed', 0]);
  });

  test('a name that means nobody is one failed assertion, and the others are checked', async () => {
    const known = { from: 'web.shop', to: 'db.shop', port: 'pg', allowed: true };
    await assertions({ unlisted: 'denied', expect: [{ ...known, from: 'wab.shop' }, known] });
    const { stdout, exitCode } = await run();
    expect(stdout).toMatch(
      /^\S+expected\.yaml:1:\d+: wab\.shop -> db\.shop TCP pg allowed: no endpoint is called wab\.shop/m,
    );
    expect(stdout).toMatch(/^1 passed, \d+ failed$/m);
    expect(exitCode).toBe(1);
  });

  test('what fails has its line, and the sentence of can, in every format', async () => {
    const file = join(folder, 'table.yaml');
    await writeFile(
      file,
      `apiVersion: podwall.dev/v1alpha1
kind: Assertions
spec:
  expect:
    - { from: web.shop, to: db.shop, port: 22, allowed: true }
  table: |
    web.shop -> db.shop 5432 allowed

    report.shop -> db.shop 5432 allowed
`,
    );
    const { stdout } = await podwall(['test', file]);
    const sentence = (await podwall(['can', 'report.shop', 'db.shop', '5432', '-f', '-'], shop)).stdout;
    expect(sentence).toMatch(/^no: shop\/CronJob\/report may not reach /);
    expect(stdout).toContain(`table.yaml:5:7: web.shop -> db.shop TCP 22 allowed: it is denied\n    no: `);
    expect(stdout).toContain(`table.yaml:9:5: report.shop -> db.shop TCP 5432 allowed: it is denied\n    ${sentence}`);
    const [tap, junit, json] = await Promise.all(
      ['tap', 'junit', 'json'].map(async (format) => (await podwall(['test', file, '-o', format])).stdout),
    );
    expect(tap).toContain(`it is denied\\n${sentence}`);
    expect(junit).toContain('table.yaml:9:5: it is denied no: shop/CronJob/report may not reach');
    expect(JSON.parse(json ?? '')).toMatchObject({
      results: [{ answer: expect.stringMatching(/^no: /) }, {}, { place: `${file}:9:5`, answer: sentence }],
    });
    await rm(file);
  });

  test('a wrong field is an error with file, line and column', async () => {
    await assertions({ expect: [{ from: 'web.shop', to: 'db.shop', allowed: 'perhaps' }] });
    const { stderr, exitCode } = await run();
    expect([exitCode, stderr]).toEqual([
      2,
      expect.stringMatching(/expected\.yaml:1:\d+: spec\.expect\[0\]\.allowed: must be true or false/),
    ]);
  });
});
