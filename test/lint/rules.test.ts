import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readLintInputs } from '../../src/cli/policy/lint-inputs.js';
import { lint } from '../../src/lint/engine.js';
import { rules } from '../../src/lint/catalogue.js';
import type { Finding } from '../../src/lint/finding.js';
import { isClosed, manifestsOf, ruleNamed, withoutAnnotation } from './examples.js';
import { nearMisses } from './near-misses.js';

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-lint-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function findingsIn(text: string, closedWorld = false, name = 'policy.yaml'): Promise<readonly Finding[]> {
  count += 1;
  const file = join(folder, `${count}-${name}`);
  await writeFile(file, text);
  const { input } = await readLintInputs({ file: [file], closedWorld });
  return lint(input);
}
const of = (findings: readonly Finding[], id: string): readonly Finding[] => findings.filter(({ rule }) => rule === id);

test.each([
  ['NetworkPolicy', 'audit', 'error', 'dry-run'],
  ['Namespace', 'audit', 'error', 'dry-run'],
  ['NetworkPolicy', 'Dry-Run', 'error', undefined],
  ['Namespace', 'Dry-Run', 'error', undefined],
  ['Namespace', 'dry-run', undefined, undefined],
  ['Namespace', 'enforce', undefined, undefined],
])('a %s with podwall.dev/mode: %s: %j, and the fix %j', async (kind, mode, severity, replacement) => {
  const spec = kind === 'Namespace' ? '' : 'spec: {podSelector: {}}';
  const apiVersion = kind === 'Namespace' ? 'v1' : 'networking.k8s.io/v1';
  const found = of(
    await findingsIn(
      `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: p\n  annotations: {podwall.dev/mode: ${mode}}\n${spec}\n`,
    ),
    'NP022',
  );
  expect(found.map((one) => [one.severity, one.line, one.fix?.replacement])).toEqual(
    severity === undefined ? [] : [[severity, 5, replacement]],
  );
});

describe.each(rules.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  const findings = (example: string, annotations: Readonly<Record<string, string>> = {}) =>
    findingsIn(manifestsOf(rule, example, annotations).join('\n---\n'), isClosed(rule));

  test('finds its bad example, at a place in the text', async () => {
    const found = of(await findings(rule.bad), id);
    expect(found.length).toBeGreaterThan(0);
    for (const { line, column, endLine, endColumn, message } of found) {
      expect(line).toBeGreaterThan(0);
      expect([endLine, endColumn].join()).not.toBe('0,0');
      expect(endLine > line || endColumn >= column).toBe(true);
      expect(message).toMatch(/\S/);
    }
  });

  test('leaves its good example alone', async () => {
    expect(of(await findings(rule.good), id)).toEqual([]);
  });

  // Jest refuses an empty table: a rule without near misses fails here.
  test.each(Object.entries(nearMisses[id] ?? {}))('leaves alone %s', async (_, example) => {
    expect(example).not.toBe(rule.good);
    expect(of(await findings(example), id)).toEqual([]);
  });

  test('is silent where somebody says so, and the suppression counts as used', async () => {
    if (withoutAnnotation.has(id)) {
      const [first] = of(await findings(rule.bad), id);
      const lines = manifestsOf(rule, rule.bad).join('\n---\n').split('\n');
      lines.splice((first?.line ?? 1) - 1, 0, `# podwall-ignore ${id} it is meant`);
      const found = await findingsIn(lines.join('\n'), isClosed(rule));
      // A key that appears twice is no object's, so no comment reaches it.
      expect(of(found, id)).toHaveLength(id === 'NP002' ? 1 : 0);
      if (id !== 'NP002') expect(of(found, 'NP000')).toEqual([]);
      return;
    }
    const found = await findings(rule.bad, { [`podwall.dev/ignore.${id}`]: 'it is meant' });
    expect(of(found, id)).toEqual([]);
  });

  test('speaks only when it knows enough', async () => {
    if (isClosed(rule))
      expect(of(await findingsIn(manifestsOf(rule, rule.bad).join('\n---\n'), false), id)).toEqual([]);
    else expect(['document', 'namespace']).toContain(rule.scope);
  });
});

describe('the catalogue', () => {
  test('has one file a rule, named by it, in the order of ids', async () => {
    const files = (await readdir(resolve(import.meta.dirname, '../../src/lint/rules'))).filter((name) =>
      /^np\d/.test(name),
    );
    expect(files.sort()).toEqual(rules.map(({ id, name }) => `${id.toLowerCase()}-${name}.ts`));
    expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
  });

  test('says why, and what is better', () => {
    for (const { summary, why, bad, good } of rules) {
      expect(summary).not.toMatch(/\.$/);
      expect(why).toMatch(/\.$/);
      expect(bad).not.toBe(good);
    }
  });
});

describe('places', () => {
  const policy = (spec: string): string =>
    `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec:\n${spec}`;

  test.each([
    [
      'in a block',
      policy('  podSelector: {}\n  ingress:\n    - ports:\n        - protocol: tcp\n'),
      'NP013',
      8,
      21,
      24,
    ],
    ['in a flow mapping', policy('  podSelector: {}\n  ingress: [{ports: [{protocol: tcp}]}]\n'), 'NP013', 6, 33, 36],
    ['of a key', policy('  podSelector: {}\n  ingress:\n    - form: []\n'), 'NP001', 7, 7, 11],
    [
      'behind an anchor',
      policy('  podSelector: &s {matchLabels: {app: a b}}\n  ingress:\n    - from:\n        - podSelector: *s\n'),
      'NP016',
      5,
      39,
      42,
    ],
  ])('%s', async (_, text, id, line, column, endColumn) => {
    const [found] = of(await findingsIn(text), id);
    expect(found).toMatchObject({ line, column, endLine: line, endColumn });
  });

  test('in an item of a List, in YAML and in JSON', async () => {
    const list =
      'apiVersion: v1\nkind: List\nitems:\n  - apiVersion: networking.k8s.io/v1\n    kind: NetworkPolicy\n    metadata: {name: p, namespace: shop}\n    spec:\n      podSelector: {}\n      policyTypes: [ingress]\n';
    expect(of(await findingsIn(list), 'NP007')[0]).toMatchObject({
      line: 9,
      column: 21,
      pointer: '/spec/policyTypes/0',
    });
    const object = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'p', namespace: 'shop' },
    };
    const json = JSON.stringify(
      { apiVersion: 'v1', kind: 'List', items: [{ ...object, spec: { policyTypes: ['x'] } }] },
      null,
      2,
    );
    const [found] = of(await findingsIn(json, false, 'list.json'), 'NP007');
    expect(json.split('\n')[(found?.line ?? 0) - 1]).toContain('"x"');
  });
});

describe('suppressions', () => {
  test('that cover nothing are reported', async () => {
    const text = manifestsOf(ruleNamed('NP305'), ruleNamed('NP305').good, { 'podwall.dev/ignore.NP305': 'why not' });
    expect(of(await findingsIn(text.join('\n---\n')), 'NP000')).toMatchObject([
      { message: expect.stringContaining('NP305') },
    ]);
  });

  test('of a rule that does not exist are reported; whether that is looked at can be chosen', async () => {
    const text = manifestsOf(ruleNamed('NP305'), ruleNamed('NP305').good, { 'podwall.dev/ignore.NP999': 'why not' });
    const file = join(folder, 'no-such-rule.yaml');
    await writeFile(file, text.join('\n---\n'));
    const { input } = await readLintInputs({ file: [file], closedWorld: false });
    expect(of(lint(input), 'NP000')).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('no such') },
    ]);
    expect(of(lint(input, { severities: { 'unused-suppression': 'error' } }), 'NP000')).toMatchObject([
      { severity: 'error' },
    ]);
    expect(of(lint(input, { severities: { NP000: 'off' } }), 'NP000')).toEqual([]);
  });

  test('by comment reach the line below and no other', async () => {
    const spec =
      '  podSelector: {}\n  ingress:\n    - from:\n        # podwall-ignore NP305 public\n        - ipBlock: {cidr: 0.0.0.0/0}\n        - ipBlock: {cidr: "::/0"}\n';
    const text = `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec:\n${spec}`;
    expect(of(await findingsIn(text), 'NP305')).toMatchObject([{ line: 10 }]);
  });
});
