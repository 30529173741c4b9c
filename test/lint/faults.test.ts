/** Faults of one policy do not hide each other, and each is called what it is. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LintInputCollector } from '../../src/lint/lint-input-collector.js';
import { lint } from '../../src/lint/engine.js';

function findingsOf(text: string): ReturnType<typeof lint> {
  const collector = new LintInputCollector({ strict: true, defaultNamespace: 'default' });
  collector.takeText(text, 'f.yaml');
  return lint(collector.input(false).input);
}
const rulesIn = (text: string): readonly string[] => findingsOf(text).map(({ rule }) => rule);

const policy = (rules: string, { metadata = '{name: p, namespace: shop}', podSelector = '{}' } = {}): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: ${metadata}\nspec:\n  podSelector: ${podSelector}\n  policyTypes: [Ingress]\n  ingress: [${rules}]\n`;

describe('one beside another', () => {
  test.each<readonly [string, string, readonly string[]]>([
    [
      'a namespace that is a number, a bad CIDR',
      policy('{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}', { metadata: '{name: p, namespace: 2024}' }),
      ['NP021', 'NP010'],
    ],
    [
      'a block that is null, a bad protocol',
      policy('{from: [{ipBlock: }], ports: [{protocol: tcp}]}'),
      ['NP008', 'NP013'],
    ],
    [
      'a duplicate key, labels that are no strings',
      policy('', { podSelector: '{matchLabels: {a: x, a: yes, b: 1.10, c: 007, d: 0x1f, e: 1e5}}' }),
      ['NP002', 'NP017', 'NP017', 'NP017', 'NP017', 'NP017'],
    ],
  ])('%s', (_, text, rules) => {
    expect(rulesIn(text)).toEqual(expect.arrayContaining([...rules]));
    expect(rulesIn(text).filter((rule) => rules.includes(rule))).toHaveLength(rules.length);
  });

  test('a label without a value is found beside a duplicate key', () => {
    expect(rulesIn(policy('', { podSelector: '{matchLabels: {a: x, a: z, b: ~}}' }))).toEqual(
      expect.arrayContaining(['NP002', 'NP017']),
    );
  });

  test('a selector that is null is an empty peer, and contradicts nothing', () => {
    const found = findingsOf(policy('{from: [{podSelector: }]}'));
    expect(found.map(({ rule }) => rule)).toContain('NP008');
    expect(found.map(({ message }) => message).join('\n')).not.toMatch(/contradict|exclude each other/);
  });

  const faults: Readonly<Record<string, readonly [rule: string, fault: string]>> = {
    namespace: ['NP021', '7'],
    name: ['NP004', 'Not_A_Name'],
    label: ['NP017', 'yes'],
    cidr: ['NP010', '10.0.0.0/33'],
    protocol: ['NP013', 'tcp'],
    port: ['NP014', '0'],
    peer: ['NP008', '{}'],
    outer: ['NP001', 'labells'],
  };
  const planted = (chosen: ReadonlySet<string>): string => {
    const value = (name: string, right: string): string => (chosen.has(name) ? (faults[name]?.[1] ?? right) : right);
    const metadata = `{name: ${value('name', 'p')}, namespace: ${value('namespace', 'shop')}, ${value('outer', 'labels')}: {}}`;
    const ports = `{protocol: ${value('protocol', 'TCP')}, port: ${value('port', '80')}}`;
    const from = `{ipBlock: {cidr: ${value('cidr', '10.0.0.0/8')}}}, ${value('peer', '{podSelector: {}}')}`;
    return policy(`{from: [${from}], ports: [${ports}]}`, {
      metadata,
      podSelector: `{matchLabels: {a: ${value('label', 'x')}}}`,
    });
  };

  test('of three, each is reported, and removing one leaves the others', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...Object.keys(faults)), { minLength: 3, maxLength: 3 }), (names) => {
        const ruleOf = (name: string): string => faults[name]?.[0] ?? '';
        expect(rulesIn(planted(new Set(names)))).toEqual(expect.arrayContaining(names.map(ruleOf)));
        for (const removed of names) {
          const left = names.filter((name) => name !== removed);
          const found = rulesIn(planted(new Set(left)));
          expect(found).toEqual(expect.arrayContaining(left.map(ruleOf)));
          expect(found).not.toContain(ruleOf(removed));
        }
      }),
      { numRuns: 60 },
    );
  });
});

test('NP301: a namespace that only is named may have any label, but those of kube-system are known', () => {
  const from = (label: string): string => `{from: [{namespaceSelector: {matchLabels: {name: ${label}}}}]}`;
  const collector = new LintInputCollector({ strict: true, defaultNamespace: 'default' });
  collector.takeText([policy(from('kube-system')), policy(from('monitoring'))].join('---\n'), 'f.yaml');
  const found = lint(collector.input(true).input).filter(({ rule }) => rule === 'NP301');
  expect(found.map(({ line }) => line)).toEqual([7]);
});

describe('placeholders', () => {
  test('are to be rendered first, once a field, and are neither bad names nor bad CIDRs', () => {
    const found = findingsOf(
      policy('{from: [{ipBlock: {cidr: "${CIDR}", except: ["{{ .Values.x }}"]}}], ports: [{port: "$(PORT)"}]}', {
        metadata: '{name: "${APP}", namespace: "$(NS)"}',
        podSelector: '{matchLabels: {app: "{{ .Values.app }}"}}',
      }),
    );
    expect(found.map(({ rule, pointer }) => `${rule} ${pointer}`).sort()).toEqual([
      'NP023 /metadata/name',
      'NP023 /metadata/namespace',
      'NP023 /spec/ingress/0/from/0/ipBlock/cidr',
      'NP023 /spec/ingress/0/from/0/ipBlock/except/0',
      'NP023 /spec/ingress/0/ports/0/port',
      'NP023 /spec/podSelector/matchLabels/app',
    ]);
    expect(found[0]?.message).toContain('is a placeholder: render it first');
  });
});

describe('around the spec', () => {
  test('unknown fields are errors, with the nearest right name', () => {
    const text = policy('', { metadata: '{name: p, namespace: shop, lables: {}, namespaceSelector: {}}' });
    const found = findingsOf(`${text}specs: {}\n`).filter(({ rule }) => rule === 'NP001');
    expect(found.map(({ severity, message }) => `${severity} ${message}`)).toEqual([
      'error metadata.lables: unknown field "lables"; did you mean "labels"?',
      'error metadata.namespaceSelector: unknown field "namespaceSelector"',
      'error specs: unknown field "specs"; did you mean "spec"?',
    ]);
  });

  test.each(['k8sV1', 'v1', 'networking/v1', 'network.k8s.io/v1', 'networking.k8s.io/v2'])(
    'a NetworkPolicy of %s is no policy, and one fix makes it one',
    (version) => {
      const found = findingsOf(policy('').replace('networking.k8s.io/v1', version));
      expect(found.map(({ rule, severity, fix }) => [rule, severity, fix?.replacement])).toEqual([
        ['NP003', 'error', 'networking.k8s.io/v1'],
      ]);
    },
  );
});
