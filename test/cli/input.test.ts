/** Nothing valid is skipped, and nothing skipped looks green: the inputs of public repositories, before the product. */
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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

describe('trees of kustomizations', () => {
  const base = deny('db-in', '{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}');
  const patch = deny('db-in', '{ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}');
  const tree = {
    'base/kustomization.yaml': 'resources: [db.yaml]\n',
    'base/db.yaml': base,
    'prod/kustomization.yml': 'resources: [../base, own.yaml]\npatches: [{path: db-in.yaml}]\n',
    'prod/db-in.yaml': patch,
    'prod/own.yaml': deny('own'),
    'other/plain.yaml': deny('plain'),
  };

  test('patches and bases are no policies; one line says what builds them, and the answer is partial', async () => {
    const { policies, unbuilt, unparsed, skipped } = await inputsOf(tree);
    expect(policies.map(({ ref }) => ref.name)).toEqual(['plain', 'own']);
    expect(unbuilt).toEqual([
      `${folder}: 2 files are not read, which kustomizations name as patches, bases or components: -k ${folder}/prod`,
    ]);
    expect([...unparsed, ...skipped]).toEqual([]);
    expect(await podwall('lint -f .')).toEqual([4, expect.not.stringMatching(/NP103|NP106/)]);
  });

  test('the base by itself is read, and named with -k', async () => {
    const { policies, unbuilt, skipped } = await inputsOf(tree, { file: [join(folder, 'base')] });
    expect(policies.map(({ ref }) => ref.name)).toEqual(['db-in']);
    expect([unbuilt, skipped]).toEqual([[], [expect.stringContaining(`-k ${folder}/base reads what is applied`)]]);
  });

  test('render refuses them', async () => {
    await write(tree);
    expect(await podwall('render -f . --node n1')).toEqual([2, expect.stringContaining('kubectl kustomize')]);
  });
});

describe('trees as they are', () => {
  test('what holds no object is one line, or one each with --verbose', async () => {
    const files = { 'a/values.yaml': 'a: 1\n', 'b/values.yaml': 'a: 1\n', 'c.yaml': deny() };
    expect((await inputsOf(files)).skipped).toEqual(['2 files hold no Kubernetes object; --verbose lists them']);
    expect((await inputsOf(files, { verbose: true })).skipped).toHaveLength(2);
  });

  test('the same objects in two install files are one info; objects that differ are an error at both places', async () => {
    await write({ 'all.yaml': `${deny('a')}---\n${deny('b')}`, 'part.yaml': `${deny('a')}---\n${deny('b')}` });
    const found = async (): Promise<readonly string[]> => {
      const { input } = await readLintInputs({ file: [folder], closedWorld: false });
      return lint(input).flatMap(({ rule, severity, message, related }) =>
        rule === 'NP005' ? [`${severity} ${message} ${related.map(({ file }) => file).join()}`] : [],
      );
    };
    expect(await found()).toEqual([`info 2 of the policies here are also in ${folder}/all.yaml, and are the same `]);
    await write({ 'part.yaml': deny('a', '{podSelector: {}, ingress: [{}]}') });
    expect(await found()).toEqual([`error NetworkPolicy shop/a appears twice ${folder}/all.yaml`]);
    expect((await readInputs({ file: [folder] })).unparsed).toEqual([
      expect.stringMatching(/part\.yaml:1:1: .*shop\/a is another one at .*all\.yaml:1:1: remove one of them/),
    ]);
  });

  test('objects that have only generateName all count', async () => {
    const made = (label: string): string => pod('x', `{app: ${label}}`).replace('name: x', 'generateName: job-');
    const { pods } = await inputsOf({ 'a.yaml': `${made('a')}---\n${made('b')}` });
    expect(pods.map(({ pod: { labels } }) => labels['app'])).toEqual(['a', 'b']);
  });

  test('a folder with nothing to analyse is 3, and says why', async () => {
    await write({ 'a/secret.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n', 'b/.hidden/a.yaml': deny() });
    expect(await podwall('lint -f a')).toEqual([3, expect.anything()]);
    expect(await podwall('lint -f b')).toEqual([3, expect.stringContaining('begins with a dot')]);
  });
});

describe('lint reports', () => {
  test('what was not read is a failed case, a row and an annotation; paths need no -f', async () => {
    await write({ 'a.yaml': deny(), 'bad.yaml': 'a: [\n' });
    const [code] = await podwall('lint a.yaml bad.yaml -o junit=out.xml -o md=out.md -o github=out.txt');
    const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
    expect(code).toBe(4);
    expect(await read('out.xml')).toMatch(/failures="1"[^]*<failure type="error" message="bad\.yaml:2:1: /);
    expect(await read('out.md')).toMatch(/\| error \| not read \| {2}\| {2}\| bad\.yaml:2:1: /);
    expect(await read('out.txt')).toContain('::error title=not read::bad.yaml:2:1: ');
  });

  test('--severity, --rule and --skip choose what is shown and counted, --fail-on what fails', async () => {
    await write({ 'a.yaml': badCidr });
    expect(await podwall('lint a.yaml --rule np010')).toEqual([1, expect.stringMatching(/NP010[^]*1 error\n/)]);
    const skipped = await podwall('lint a.yaml --skip bad-cidr --severity error');
    expect(skipped).toEqual([0, expect.stringContaining('no findings in 1 policy, 0 workloads, 1 file')]);
    await write({ 'b.yaml': deny('b', '{podSelector: {}}') });
    const hidden = await podwall('lint b.yaml --severity error --fail-on info');
    expect(hidden).toEqual([1, expect.stringContaining('no findings')]);
    expect(await podwall('lint a.yaml --rule nonsense')).toEqual([2, expect.stringContaining('no rule nonsense')]);
  });
});
