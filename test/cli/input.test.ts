/** Nothing valid is skipped, and nothing skipped looks green: the inputs of public repositories, before the product. */
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readInputs, type InputFlags } from '../../src/cli/policy/inputs.js';
import { readLintInputs } from '../../src/cli/policy/lint-inputs.js';
import { lint } from '../../src/lint/engine.js';
import { bundle } from '../support/product.js';

jest.setTimeout(60_000);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-input-'));
});
beforeEach(async () => {
  await rm(folder, { recursive: true });
  await mkdir(folder);
});
afterAll(() => rm(folder, { recursive: true }));

/** Files by their path in the folder. */
async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Exit code, and everything that was printed. */
async function podwall(args: string, input = ''): Promise<readonly [number | undefined, string]> {
  const done = await execa(process.execPath, [bundle, ...args.split(' ')], { cwd: folder, input, reject: false });
  return [done.exitCode, `${done.stdout}\n${done.stderr}`];
}

/** What the commands that answer read of these files. */
async function inputsOf(files: Readonly<Record<string, string>>, flags: Partial<InputFlags> = {}) {
  await write(files);
  return readInputs({ file: [folder], ...flags });
}

const deny = (name = 'deny', spec = '{podSelector: {}, policyTypes: [Ingress]}'): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ${name}, namespace: shop}\nspec: ${spec}\n`;
const badCidr = deny('bad', '{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]}');
const pod = (name: string, labels = `{app: ${name}}`): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: shop, labels: ${labels}}\nspec: {containers: [{name: a}]}\n`;

describe('templates', () => {
  const alerts =
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: alerts}\ndata:\n  text: |\n    {{ range .Alerts }}\n    {{ .Name }}\n    {{ end }}\n';
  const template = '{{- if .Values.on }}\nkind: NetworkPolicy\n{{- end }}\n';

  test('a text within a manifest may be one, and the documents beside it are read', async () => {
    await write({ 'a.yaml': `${alerts}---\n${badCidr}` });
    expect(await podwall('lint -f a.yaml')).toEqual([1, expect.stringContaining('NP010')]);
    expect(await podwall('lint -f .')).toEqual([1, expect.stringContaining('NP010')]);
  });

  test('one that names a policy makes the answer partial, alone and beside what can be read; ignored, it does not', async () => {
    await write({ 'a.yaml': template });
    const partial = [4, expect.stringContaining('a.yaml: this is a template, not YAML: render it first')];
    expect(await podwall('lint -f .')).toEqual(partial);
    await write({ 'b.yaml': deny() });
    expect(await podwall('lint -f .')).toEqual(partial);
    expect(await podwall('reach -f .')).toEqual(partial);
    expect((await podwall('lint -f . --allow-partial'))[0]).toBe(0);
    await write({ '.podwall.yaml': 'ignore: ["a*"]\n' });
    expect(await podwall('lint -f .')).toEqual([0, expect.not.stringContaining('a.yaml')]);
  });

  test('what can be read of it is read', async () => {
    await write({ 'a.yaml': `${template}---\n${badCidr}` });
    expect(await podwall('lint -f .')).toEqual([4, expect.stringContaining('NP010')]);
  });

  test('a chart is named once, with what renders it', async () => {
    await write({
      'web/Chart.yaml': 'name: web\n',
      'web/templates/a.yaml': template,
      'web/templates/b.yaml': template,
      'web/charts/db/Chart.yaml': 'name: db\n',
      'web/charts/db/templates/c.yaml': '{{ x }}: {{ y }}\n',
    });
    const [code, text] = await podwall('lint -f .');
    expect([code, text]).toEqual([4, expect.stringContaining('helm template web | podwall lint -f -')]);
    expect(text.match(/template/g)).toHaveLength(2);
  });
});

describe('what the reader cannot make sense of', () => {
  test('a byte order mark behind --- hides no policy', async () => {
    const { policies, pods } = await inputsOf({ 'a.yaml': `${pod('web')}---\n\uFEFF${deny()}---\n\uFEFF${pod('db')}` });
    expect([policies.length, pods.length]).toEqual([1, 2]);
  });

  test.each([
    ['a mark elsewhere', deny().replace('kind', '\uFEFFkind')],
    ['an invisible character', deny().replace('kind', '"kind\u200b"')],
    ['capitals', deny().replace('kind', 'Kind').replace('apiVersion', 'ApiVersion')],
    ['no apiVersion', 'kind: NetworkPolicy\nspec: {}\n'],
  ])('%s makes the answer partial', async (_, text) => {
    const { unparsed, skipped } = await inputsOf({ 'a.yaml': text });
    expect([unparsed, skipped]).toEqual([[expect.stringContaining('as the API server reads them')], []]);
  });

  test("a chart's values are no object, whatever fields they have", async () => {
    const { unparsed, skipped } = await inputsOf({ 'values.yaml': 'kind: DaemonSet\nimage: a\n' });
    expect([unparsed.length, skipped.length]).toEqual([0, 1]);
  });
});

describe('-n', () => {
  test('is the namespace of every document that names none, and of no cluster-scoped kind', async () => {
    const unnamed = (text: string): string => text.replace(', namespace: shop', '');
    const texts = [
      unnamed(deny()),
      unnamed(pod('web')),
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {template: {metadata: {}, spec: {containers: []}}}\n',
      'apiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec: {ports: [{port: 80}]}\n',
      'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: own, namespace: other}\nspec: {containers: []}\n',
    ];
    const files = { 'a.yaml': texts.join('---\n') };
    const { policies, pods, services, nodes, namespaces } = await inputsOf(files, { namespace: 'team' });
    expect(policies.map(({ ref }) => ref.namespace)).toEqual(['team']);
    expect(pods.map(({ owner }) => `${owner.namespace}/${owner.name}`)).toEqual(['team/web', 'team/api', 'other/own']);
    expect(services.map(({ ref }) => ref.namespace)).toEqual(['team']);
    expect(nodes.map(({ name }) => name)).toEqual(['n1']);
    expect(namespaces.map(({ name }) => name).sort()).toEqual(['other', 'team']);
    const { input } = await readLintInputs({ file: [folder], namespace: 'team', closedWorld: false });
    expect(lint(input).find(({ rule }) => rule === 'NP006')?.message).toBe('deny has no namespace: `team` is assumed');
    expect(input.workloads.map(({ owner }) => owner.namespace)).toEqual(['team', 'team', 'other']);
  });
});
