/** Every document that a command prints or reads, held to the schema that ships with it. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Ajv2020 } from 'ajv/dist/2020.js';
import Draft04Module from 'ajv-draft-04';
import { execa } from 'execa';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { parseAssertions } from '../../src/manifests/assertions.js';
import { readLintSettings } from '../../src/lint/settings.js';
import { rules } from '../../src/lint/catalogue.js';
import { examples, examplesDirectory } from '../cases/examples.js';
import { manifestsOf } from '../lint/examples.js';
import { problemsOf } from '../support/schemas.js';
import { bundle, schemaFolder } from '../support/product.js';

jest.setTimeout(60_000);

const root = resolve(import.meta.dirname, '../..');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-schemas-'));
});
afterAll(() => rm(folder, { recursive: true }));

const podwall = (...args: readonly string[]) =>
  execa(process.execPath, [bundle, ...args], { cwd: folder, reject: false });

describe('what is printed', () => {
  const [tiers, dual, dns] = ['12-three-tiers', '09-dual-stack-cidr', '03-dns-egress'].map((name) =>
    join(examplesDirectory, name),
  );
  const broken = `
apiVersion: v1
kind: Pod
metadata: {name: a}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: broken}
spec: {podSelector: {}, ingress: [{form: []}]}`;

  beforeAll(async () => {
    await writeFile(join(folder, 'broken.yaml'), broken);
    await writeFile(
      join(folder, 'every-rule.yaml'),
      rules.flatMap((rule) => manifestsOf(rule, rule.bad)).join('\n---\n'),
    );
    await writeFile(join(folder, 'chart.yaml'), 'kind: {{ .Values.kind }}\n');
    await writeFile(join(folder, 'no.yaml'), 'kind: [\n');
    await writeFile(
      join(folder, 'expected.yaml'),
      'apiVersion: podwall.dev/v1alpha1\nkind: Assertions\nspec:\n  unlisted: denied\n  expect: [{from: web.bookshop, to: db.bookshop, port: 5432, allowed: true}]\n',
    );
  });

  test.each([
    ['findings', ['lint', '-f', '.', '--closed-world']],
    ['reachability', ['reach', '-f', examplesDirectory, '--self']],
    ['reachability', ['reach', '-f', String(tiers), '--exposure', '--assume', 'kube-dns']],
    ['reachability-diff', ['diff', String(tiers), String(dual)]],
    ['reachability-diff', ['diff', String(dns), String(dns)]],
    ['answer', ['can', 'internet', 'db.bookshop', '5432', '-f', String(tiers)]],
    ['answer', ['can', 'web.bookshop', 'app.bookshop', '-f', String(tiers)]],
    ['explanation', ['explain', 'web.bookshop', 'db.bookshop', '5432', '-f', String(tiers)]],
    ['explanation', ['explain', 'internet', 'app.bookshop', '8080', '-f', String(tiers)]],
    ['explanation', ['explain', '10.0.0.1', 'a', '80', '-f', 'broken.yaml']],
    ['workload-explanation', ['explain', 'db.bookshop', '-f', String(tiers)]],
    ['test-results', ['test', 'expected.yaml', '-f', String(tiers)]],
  ])('%s: podwall %j', async (schema, args) => {
    const { stdout, stderr } = await podwall(...args, '-o', 'json', '-o', 'yaml=out.yaml');
    expect([stderr, stdout]).toEqual([expect.anything(), expect.stringMatching(/^\{/)]);
    const document: unknown = JSON.parse(stdout);
    expect(problemsOf(schema, document)).toEqual([]);
    expect(parse(await readFile(join(folder, 'out.yaml'), 'utf8'))).toEqual(document);
  });

  test('a document that is not so is refused', () => {
    expect(
      problemsOf('reachability', { kind: 'Reachability', schemaVersion: 1, endpoints: [], conections: [] }),
    ).not.toEqual([]);
    expect(
      problemsOf('findings', { kind: 'Findings', schemaVersion: 2, findings: [], skipped: [], unparsed: [] }),
    ).not.toEqual([]);
  });

  /** Which schema each command's documents are held to; here, in audit.test.ts, and where there are packets. */
  const kinds: Readonly<Record<string, readonly string[]>> = {
    'audit coverage': ['audit-coverage'],
    'audit denied': ['audit-denials'],
    'audit explain': ['audit-explanation'],
    'audit loss': ['audit-losses'],
    'audit replay': ['audit-replay'],
    'audit show': ['audit-record'],
    'audit summary': ['audit-summary'],
    'audit verify': ['audit-verification'],
    can: ['answer'],
    diff: ['reachability-diff'],
    explain: ['explanation', 'workload-explanation'],
    lint: ['findings'],
    reach: ['reachability'],
    status: ['status', 'cluster-status'],
    test: ['test-results'],
  };

  test('every command that prints JSON has a schema, and no schema is left over', async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8');
    const rows = [...readme.matchAll(/^\| `([\w ]+)` \| ([a-z, ]+) \|$/gm)];
    const withJson = rows.filter(([, , formats = '']) => formats.split(', ').includes('json'));
    expect(withJson.map(([, name]) => name).sort()).toEqual(Object.keys(kinds).sort());
    const written = (await readdir(schemaFolder)).map((name) => name.replace('.schema.json', ''));
    expect(written.sort()).toEqual(['assertions', 'common', 'settings', ...Object.values(kinds).flat()].sort());
  });

  test('they are in the package', async () => {
    const { stdout } = await execa('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root });
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    const shipped = files.map(({ path }) => path).filter((path) => path.endsWith('.schema.json'));
    const written = [...(await readdir(join(root, 'src/schemas'))), 'audit-record.schema.json'];
    expect(shipped.sort()).toEqual(written.map((name) => `dist/schemas/${name}`).sort());
  });
});

describe('what is read: the schema and the reader agree', () => {
  test.each([
    ['{}', true],
    ['', true],
    ['rules: {NP305: off, bad-port: warning}\nignore: ["**/vendor/*.yaml"]', true],
    ['rules: {NP305: "off"}', true],
    ['rules: {NP305: on}', false],
    ['rules: {NP305: fatal}', false],
    ['rules: [NP305]', false],
    ['ignore: vendor', false],
    ['ignore: [1]', false],
    ['ignores: []', false],
    ['- rules', false],
  ])('settings %j: %s', async (text, isValid) => {
    const file = join(folder, 'settings.yaml');
    await writeFile(file, text);
    expect(problemsOf('settings', parse(text, { version: '1.1' })).length === 0).toBe(isValid);
    const read = await readLintSettings(file).then(
      () => 'read',
      (error: unknown) => String(error),
    );
    expect(read).toMatch(isValid ? /^read$/ : /settings\.yaml:\d+:\d+: /);
  });

  const one = '{from: web.shop, to: db.shop, port: 5432, allowed: true}';
  test.each([
    [`expect: [${one}]`, true],
    ['expect: [], unlisted: denied', true],
    ['table: "web.shop -> db.shop 53/UDP denied"', true],
    ['expect: [{from: a, to: b, protocol: ICMP, allowed: false}]', true],
    ['expect: [{from: a, to: "svc/b:80", allowed: false}]', true],
    ['expect: [{from: a, to: b, allowed: false}]', false],
    ['expect: [{from: a, to: b, port: [80], allowed: false}]', false],
    ['expect: [{from: a, to: b, port: 80, allowed: perhaps}]', false],
    ['expect: [{from: a, to: b, port: 80, protocl: UDP, allowed: true}]', false],
    ['expect: [{from: a, port: 80, allowed: true}]', false],
    ['unlisted: maybe, expect: []', false],
    ['expected: []', false],
    ['', false],
    ['table: [a]', false],
  ])('assertions {%s}: %s', (spec, isValid) => {
    const document: unknown = parse(`{apiVersion: podwall.dev/v1alpha1, kind: Assertions, spec: {${spec}}}`);
    expect([problemsOf('assertions', document).length === 0, 'expect' in parseAssertions(document)]).toEqual([
      isValid,
      isValid,
    ]);
  });

  test('every example’s expectations are valid', async () => {
    for (const { directory } of examples()) {
      const document: unknown = parse(await readFile(join(examplesDirectory, directory, 'expected.yaml'), 'utf8'));
      expect([directory, problemsOf('assertions', document)]).toEqual([directory, []]);
    }
  });
});

interface Sarif {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
    readonly invocations: readonly { readonly executionSuccessful: boolean }[];
    readonly results: readonly {
      readonly ruleId: string;
      readonly locations: readonly [{ readonly physicalLocation: PhysicalLocation }];
    }[];
  }[];
}
interface PhysicalLocation {
  readonly artifactLocation: { readonly uri: string };
  readonly region: {
    readonly startLine: number;
    readonly startColumn: number;
    readonly endLine: number;
    readonly endColumn: number;
  };
}

describe('SARIF', () => {
  /** The text that a region covers. */
  function covered(text: string, { startLine, startColumn, endLine, endColumn }: PhysicalLocation['region']): string {
    const lines = text.split('\n').slice(startLine - 1, endLine);
    const last = lines.length - 1;
    return lines
      .map((line, index) => line.slice(index === 0 ? startColumn - 1 : 0, index === last ? endColumn - 1 : undefined))
      .join('\n');
  }

  test('is valid, covers what is wrong, and encodes what a URI cannot hold', async () => {
    const name = 'a b/100% #1 ü.yaml';
    const text = `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop, annotations: {"podwall.dev/ignore.NP999": "no"}}\nspec:\n  podSelector: {}\n  ingress: [{ports: [{protocol: tcp, port: 80}]}]\n`;
    await mkdir(join(folder, 'sarif', 'a b'), { recursive: true });
    await writeFile(join(folder, 'sarif', name), text);
    await writeFile(join(folder, 'sarif', 'no.yaml'), 'kind: [\n');
    const options = { cwd: join(folder, 'sarif'), reject: false };
    const { stdout } = await execa(process.execPath, [bundle, 'lint', '-f', '.', '-o', 'sarif'], options);
    const sarif = JSON.parse(stdout) as Sarif;

    const Draft04 = Draft04Module as unknown as typeof Ajv2020;
    const schema = createRequire(import.meta.url).resolve('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
    const validate = new Draft04({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(
      JSON.parse(await readFile(schema, 'utf8')) as object,
    );
    expect([validate(sarif), validate.errors]).toEqual([true, null]);

    const [run] = sarif.runs;
    const listed = run?.tool.driver.rules.map(({ id }) => id) ?? [];
    expect(run?.results.filter(({ ruleId }) => !listed.includes(ruleId))).toEqual([]);
    expect(run?.invocations[0]?.executionSuccessful).toBe(false);
    const location = run?.results.find(({ ruleId }) => ruleId === 'NP013')?.locations[0].physicalLocation;
    expect(location?.artifactLocation.uri).toBe('a%20b/100%25%20%231%20%C3%BC.yaml');
    expect(fileURLToPath(new URL(location?.artifactLocation.uri ?? '', `file://${folder}/sarif/`))).toBe(
      join(folder, 'sarif', name),
    );
    expect(location && covered(text, location.region)).toBe('tcp');
  });

  test('every region of every rule lies within its file', async () => {
    const { stdout } = await podwall('lint', '-f', 'every-rule.yaml', '--closed-world', '-o', 'sarif');
    const lines = (await readFile(join(folder, 'every-rule.yaml'), 'utf8')).split('\n');
    const regions = (JSON.parse(stdout) as Sarif).runs.flatMap(({ results }) =>
      results.map(({ locations }) => locations[0].physicalLocation.region),
    );
    expect(regions.length).toBeGreaterThan(rules.length / 2);
    for (const { startLine, startColumn, endLine, endColumn } of regions) {
      expect(startColumn).toBeLessThanOrEqual((lines[startLine - 1]?.length ?? -1) + 1);
      expect(endColumn).toBeLessThanOrEqual((lines[endLine - 1]?.length ?? -1) + 1);
      expect(endLine > startLine || endColumn >= startColumn).toBe(true);
    }
  });
});
