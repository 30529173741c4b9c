import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { bundle } from '../support/product.js';

const policy = (spec: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web, namespace: shop}\nspec:\n${spec}`;
const bad = policy(
  '  podSelector: {} # everyone\n  policyTypes: [Ingress]\n  ingress:\n    - from: [{ipBlock: {cidr: "10.0.0.1/8"}}]\n      ports: [{protocol: tcp, port: "80"}]\n',
);

describe('podwall lint', () => {
  let folder: string;
  const lint = (args: readonly string[], input = '', env: Record<string, string> = {}) =>
    execa(process.execPath, [bundle, 'lint', ...args], { cwd: folder, input, env, reject: false });
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-lint-cli-'));
  });
  beforeEach(() => writeFile(join(folder, 'bad.yaml'), bad));
  afterAll(() => rm(folder, { recursive: true }));

  test('says where, what and how it is mended, and fails', async () => {
    const { stdout, exitCode } = await lint(['-f', 'bad.yaml']);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('bad.yaml:9:26: error NP013 bad-protocol: NetworkPolicy shop/web');
    expect(stdout).toContain('fix: write TCP (--fix)');
    expect(stdout).toMatch(/2 errors, 1 warning/);
  });

  test('where CI forces colours it gets them, and no file does; what is read by a program asks for a format', async () => {
    const forced = { FORCE_COLOR: '1', CI: 'true' };
    const { stdout } = await lint(['-f', 'bad.yaml', '-o', 'text', '-o', 'text=out.txt'], '', forced);
    expect(stdout).toContain('bad.yaml:9:26: \u001b[31merror\u001b[39m NP013');
    expect(await readFile(join(folder, 'out.txt'), 'utf8')).toContain('bad.yaml:9:26: error NP013');
    for (const format of ['json', 'csv', 'md', 'github', 'junit', 'sarif'])
      expect((await lint(['-f', 'bad.yaml', '-o', format], '', forced)).stdout).not.toContain('\u001b');
  });

  test.each([
    ['never', 0],
    ['info', 1],
    ['warning', 1],
  ])('--fail-on=%s exits %i', async (severity, code) => {
    const only = bad.replace('tcp', 'TCP').replace('"80"', '80');
    expect((await lint(['-f', '-', '--fail-on', severity], only)).exitCode).toBe(code);
  });

  test('--fix mends what is mechanical, and leaves comments and layout', async () => {
    const shown = await lint(['-f', 'bad.yaml', '--fix', '--diff']);
    expect(shown.stdout).toContain('+      ports: [{protocol: TCP, port: 80}]');
    expect(await readFile(join(folder, 'bad.yaml'), 'utf8')).toBe(bad);
    await lint(['-f', 'bad.yaml', '--fix']);
    const fixed = bad.replace('tcp', 'TCP').replace('"80"', '80').replace('10.0.0.1/8', '10.0.0.0/8');
    expect(await readFile(join(folder, 'bad.yaml'), 'utf8')).toBe(fixed);
    expect((await lint(['-f', 'bad.yaml'])).exitCode).toBe(0);
  });

  test.each([
    ['UTF-8 with a byte order mark', (text: string) => Buffer.from(`\uFEFF${text}`)],
    ['UTF-16, little end first', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['UTF-16, big end first', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
    ['CRLF', (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'))],
  ])('--fix leaves a file in its encoding: %s', async (_, encode) => {
    const file = join(folder, 'encoded.yaml');
    // On the first line, too, where a mark shifts what comes after it.
    const flow = '{apiVersion: extensions/v1beta1, kind: NetworkPolicy, metadata: {name: ü, namespace: shop}}\n---\n';
    await writeFile(file, encode(flow + bad));
    await lint(['-f', 'encoded.yaml', '--fix']);
    const fixed = bad.replace('tcp', 'TCP').replace('"80"', '80').replace('10.0.0.1/8', '10.0.0.0/8');
    const expected = encode(flow.replace('extensions/v1beta1', 'networking.k8s.io/v1') + fixed);
    expect((await readFile(file)).equals(expected)).toBe(true);
    await rm(file);
  });

  test('every format, beside the text', async () => {
    const outputs = ['json', 'yaml', 'sarif', 'junit', 'github', 'md', 'csv'];
    await lint(['-f', 'bad.yaml', '-o', 'text', ...outputs.flatMap((format) => ['-o', `${format}=out.${format}`])]);
    const read = (format: string) => readFile(join(folder, `out.${format}`), 'utf8');
    const json = JSON.parse(await read('json')) as { kind: string; findings: { pointer: string; rule: string }[] };
    expect(json).toMatchObject({ kind: 'Findings', schemaVersion: 1, skipped: [], unparsed: [] });
    expect(json.findings.find(({ rule }) => rule === 'NP013')?.pointer).toBe('/spec/ingress/0/ports/0/protocol');
    expect(parse(await read('yaml'))).toEqual(json);
    const sarif = JSON.parse(await read('sarif')) as { runs: { results: { ruleId: string; locations: object[] }[] }[] };
    expect(sarif.runs[0]?.results.find(({ ruleId }) => ruleId === 'NP013')?.locations).toEqual([
      {
        physicalLocation: {
          artifactLocation: { uri: 'bad.yaml' },
          region: { startLine: 9, startColumn: 26, endLine: 9, endColumn: 29 },
        },
      },
    ]);
    expect(await read('junit')).toContain('<failure type="error"');
    expect(await read('github')).toContain('::error file=bad.yaml,line=9,endLine=9,col=26,title=NP013 bad-protocol::');
    expect(await read('md')).toContain('| error | NP013 bad-protocol | bad.yaml:9:26 |');
    expect((await read('csv')).split('\r\n')[0]).toBe('severity,rule,name,file,line,column,object,message');
  });

  test('-o github appends to the summary of the job that it runs in, and to nothing else', async () => {
    const summary = join(folder, 'summary.md');
    await writeFile(summary, '# Another step\n');
    const env = { GITHUB_STEP_SUMMARY: summary };
    await lint(['-f', 'bad.yaml', '-o', 'text'], '', env);
    expect(await readFile(summary, 'utf8')).toBe('# Another step\n');
    await lint(['-f', 'bad.yaml', '-o', 'github', '-o', 'sarif=out.sarif'], '', env);
    const text = await readFile(summary, 'utf8');
    expect(text).toMatch(/^# Another step\n\*\*podwall lint: 2 errors, 1 warning\*\*\n\n\| Severity/);
    expect(text).toContain('| error | NP013 bad-protocol | bad.yaml:9:26 | NetworkPolicy shop/web |');
    const lost = await lint(['-f', 'bad.yaml', '-o', 'github'], '', { GITHUB_STEP_SUMMARY: '/nowhere/summary.md' });
    expect([lost.exitCode, lost.stderr]).toEqual([2, expect.stringContaining('$GITHUB_STEP_SUMMARY: ')]);
  });

  test('.podwall.yaml turns rules down and leaves paths out; a mistake in it has a place', async () => {
    const settings = join(folder, '.podwall.yaml');
    await writeFile(settings, 'rules:\n  NP013: off\n  bad-port: warning\n');
    const { stdout, exitCode } = await lint(['-f', 'bad.yaml']);
    expect([exitCode, stdout.includes('NP013'), stdout.includes('warning NP014')]).toEqual([0, false, true]);
    await writeFile(settings, 'ignore: ["bad*"]\n');
    expect((await lint(['-f', 'bad.yaml'])).stdout).toContain('no findings in 1 policy, 0 workloads, 1 file');
    await writeFile(settings, 'rules:\n  NP999: off\n');
    const wrong = await lint(['-f', 'bad.yaml']);
    expect([wrong.exitCode, wrong.stderr]).toEqual([
      2,
      'podwall: .podwall.yaml:2:3: rules.NP999: there is no such rule',
    ]);
    await rm(settings);
  });

  test('templates are skipped, nonsense is partial, nothing is nothing', async () => {
    const template = await lint(['-f', '-'], 'metadata:\n  name: {{ .Release.Name }}\n');
    expect([template.exitCode, template.stderr]).toEqual([3, expect.stringContaining('a template, not YAML')]);
    await writeFile(join(folder, 'broken.yaml'), 'a: [\n');
    expect((await lint(['-f', 'bad.yaml', '-f', 'broken.yaml'])).exitCode).toBe(4);
    expect((await lint(['-f', 'bad.yaml', '-f', 'broken.yaml', '--allow-partial'])).exitCode).toBe(1);
    expect((await lint(['-f', 'broken.yaml'])).exitCode).toBe(2);
    await rm(join(folder, 'broken.yaml'));
  });

  test('--explain prints a rule, and says when there is none', async () => {
    expect((await lint(['--explain', 'NP203'])).stdout).toMatch(/^NP203 egress-without-dns .*\n[^]*Bad:\n[^]*Good:\n/);
    expect((await lint(['--explain', 'NP999'])).exitCode).toBe(2);
  });
});
