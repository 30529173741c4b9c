/** `podwall lint --limits` says what the agent would say with the same limits. */
import { expect, test } from '@jest/globals';
import { LintInputCollector } from '../../src/lint/lint-input-collector.js';
import { lint } from '../../src/lint/engine.js';
import { standardLimits, type Limits } from '../../src/limits/limits.js';
import { withBlocks } from '../limits/policies.js';

const policy = (name: string, spec: object): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ${name}, namespace: shop}\nspec: ${JSON.stringify(spec)}\n`;
const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec: {}\n';

function found(texts: readonly string[], limits?: Partial<Limits>, memory = 1e12): string[] {
  const collector = new LintInputCollector({ strict: true, defaultNamespace: 'default' });
  collector.takeText(texts.join('---\n'), 'input.yaml');
  const { input } = collector.input(false);
  const findings = lint(
    input,
    limits === undefined ? {} : { limits: { limits: { ...standardLimits, ...limits }, memory } },
  );
  return findings
    .filter(({ rule }) => rule === 'NP500')
    .map(({ severity, line, object, message }) => `${severity} ${line} ${object.kind} ${object.name}: ${message}`);
}

const policies = ['a', 'b', 'c'].map((name) => policy(name, withBlocks(2)));

test('without --limits there are none', () => {
  expect(found(policies)).toEqual([]);
});

test('at every limit there is no finding', () => {
  expect(
    found([...policies, pod], { policyCidrs: 2, namespacePolicies: 3, namespaceCidrs: 6, podPolicies: 3 }),
  ).toEqual([]);
});

test('a policy one past its limit, with number, limit and field', () => {
  expect(found([policy('a', withBlocks(3))], { policyCidrs: 2 })).toEqual([
    'error 4 NetworkPolicy a: 3 CIDR ranges (each ipBlock and each of its excepts): more than 2 (--max-policy-cidrs)',
  ]);
});

test('a namespace: its first policy that is beyond', () => {
  expect(found(policies, { namespacePolicies: 2, namespaceCidrs: 5 })).toEqual([
    'error 13 NetworkPolicy c: namespace shop: 6 CIDR ranges of all policies of the namespace: more than 5 (--max-namespace-cidrs)',
    'error 13 NetworkPolicy c: namespace shop: 3 policies of the namespace: more than 2 (--max-namespace-policies)',
  ]);
});

test('a pod that too many policies select', () => {
  expect(found([...policies, pod], { podPolicies: 2 })).toEqual([
    'error 18 Pod web: 3 policies that select the pod: more than 2 (--max-pod-policies)',
  ]);
});

test('what does not fit into the memory of a node', () => {
  expect(found([policy('a', withBlocks(100))], {}, 100_000)).toEqual([
    'error 4 NetworkPolicy a: its rules would not fit into the memory of a node',
  ]);
});

// Asked in pairs, these blocks and selectors would take minutes.
test('of a policy about as large as an API server takes, in a time that a user waits', () => {
  const blocks = Array.from({ length: 11_000 }, (_, index) => ({
    ipBlock: { cidr: `10.${index >> 8}.${index & 255}.0/25` },
  }));
  const peers = Array.from({ length: 1000 }, (_, index) => ({ podSelector: { matchLabels: { app: `a${index}` } } }));
  const large = { podSelector: {}, ingress: [{ from: blocks }, { from: peers }, { from: blocks }] };
  expect(found([policy('large', large)], {})).toEqual([]);
}, 60_000);
