/** What the compiler is given of policies that are over a limit, and what is said of them. */
import { describe, expect, test } from '@jest/globals';
import { compile } from '../../src/compiler/compiler.js';
import { standardLimits, type LimitMode, type Limits } from '../../src/limits/limits.js';
import type { ClusterChange } from '../../src/model/cluster.js';
import { parsePod } from '../../src/model/parse.js';
import { policyKey, type AnyPolicy } from '../../src/model/policy.js';
import type { Pod } from '../../src/model/pod.js';
import { PolicyLimits } from '../../src/reconciler/policy-limits.js';
import { everyPod, policyOf, withBlocks } from '../limits/policies.js';

const change = (policy: AnyPolicy): ClusterChange => ({ kind: 'policy', ref: policy.ref, policy });
const deletion = ({ ref }: AnyPolicy): ClusterChange => ({ kind: 'policy', ref });

function podIn(namespace: string, name = 'pod', node = 'n1'): Pod {
  const parsed = parsePod({
    metadata: { name, namespace, uid: `uid-${name}`, labels: {} },
    spec: { nodeName: node },
    status: { podIPs: [{ ip: '10.0.0.1' }] },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.diagnostics));
  return parsed.value;
}
const podChange = (pod: Pod): ClusterChange => ({ kind: 'pod', ref: pod.ref, pod });

function limitsOf(mode: LimitMode, limits: Partial<Limits> = {}, memory = 1e12) {
  const lines: Readonly<Record<string, unknown>>[] = [];
  const write = (fields: Readonly<Record<string, unknown>>): void => void lines.push(fields);
  const log = { info: write, warn: write, error: write, debug: write };
  const stage = new PolicyLimits(log, { node: 'n1', mode, limits: { ...standardLimits, ...limits }, memory });
  /** Policies as the compiler is given them: `name` as written, `name: reasons` failing closed, `-name` gone. */
  const given = (...changes: readonly ClusterChange[]): string[] =>
    stage.apply(changes).flatMap((one) => (one.kind === 'policy' ? [textOf(one)] : []));
  return {
    stage,
    given,
    lines,
    named: () => stage.over().map(({ of, name, limit, refused }) => [of, name, limit, refused]),
  };
}

function textOf({ ref, policy }: Extract<ClusterChange, { kind: 'policy' }>): string {
  if (policy === undefined) return `-${ref.name}`;
  if (policy.kind === 'policy') return ref.name;
  return `${ref.name}: ${policy.diagnostics.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ')}`;
}

describe('one policy', () => {
  test.each(['warn', 'enforce'] as const)('at its limit is enforced and not named, with --limits=%s', (mode) => {
    const { given, named, lines } = limitsOf(mode, { policyCidrs: 3 });
    expect(given(change(policyOf(withBlocks(3))))).toEqual(['p']);
    expect([named(), lines]).toEqual([[], []]);
  });

  test('one past it is enforced and named, with --limits=warn', () => {
    const { given, named, lines } = limitsOf('warn', { policyCidrs: 3 });
    expect(given(change(policyOf(withBlocks(4))))).toEqual(['p']);
    expect(named()).toEqual([['policy', 'p', 'policyCidrs', false]]);
    expect(lines).toEqual([
      expect.objectContaining({
        name: 'p',
        message: expect.stringMatching(/^spec\.ingress\[0\]\.from: 4 CIDR ranges/),
      }),
    ]);
    // Once, however often it changes; and no more when it is gone.
    expect(given(change(policyOf(withBlocks(5))))).toEqual(['p']);
    expect(lines).toHaveLength(1);
    expect(given(deletion(policyOf(withBlocks(5))))).toEqual(['-p']);
    expect(named()).toEqual([]);
  });

  test('one past it fails closed alone, with --limits=enforce, in its directions and mode', () => {
    const { stage, given, named } = limitsOf('enforce', { policyCidrs: 3 });
    const other = policyOf(withBlocks(3), { name: 'other' });
    expect(given(change(other), change(policyOf(withBlocks(4))))).toEqual([
      'other',
      'p: spec.ingress.0.from 4 CIDR ranges (each ipBlock and each of its excepts): more than 3 (--max-policy-cidrs)',
    ]);
    expect(named()).toEqual([['policy', 'p', 'policyCidrs', true]]);
    const [again] = stage.apply([change(policyOf(withBlocks(4)))]);
    expect(again).toMatchObject({
      policy: { kind: 'broken', directions: ['ingress'], appliesTo: { requirements: [] } },
    });
    expect(given(change(policyOf(withBlocks(3))))).toEqual(['p']);
    expect(named()).toEqual([]);
  });
});

describe('a namespace', () => {
  const young = policyOf(withBlocks(2), { name: 'young', created: '2026-02-01T00:00:00Z' });
  const old = policyOf(withBlocks(2), { name: 'old', created: '2026-01-01T00:00:00Z' });

  test('with too many policies: the youngest fails closed, with --limits=enforce, and comes back when there is room', () => {
    const { given, named } = limitsOf('enforce', { namespacePolicies: 1 });
    expect(given(change(young))).toEqual(['young']);
    const [oldNow, youngNow = ''] = given(change(old)).sort();
    expect(oldNow).toBe('old');
    expect(youngNow).toMatch(/^young: metadata\.namespace .*--max-namespace-policies/);
    expect(named()).toEqual([['namespace', 'shop', 'namespacePolicies', true]]);
    expect(given(deletion(old)).sort()).toEqual(['-old', 'young']);
    expect(named()).toEqual([]);
  });

  test('a policy whose answer stays is not given again', () => {
    const { given } = limitsOf('enforce', { namespacePolicies: 1 });
    given(change(old), change(young));
    const third = policyOf(withBlocks(1), { name: 'third', created: '2026-03-01T00:00:00Z' });
    expect(given(change(third))).toEqual([expect.stringMatching(/^third: /)]);
  });

  test('with too many CIDR ranges: named with --limits=warn, and enforced', () => {
    const { given, named } = limitsOf('warn', { namespaceCidrs: 3 });
    expect(given(change(old), change(young)).sort()).toEqual(['old', 'young']);
    expect(named()).toEqual([['namespace', 'shop', 'namespaceCidrs', false]]);
  });

  test('another namespace is not concerned', () => {
    const { given } = limitsOf('enforce', { namespacePolicies: 1, namespaceCidrs: 2 });
    given(change(old), change(young));
    expect(given(change(policyOf(withBlocks(2), { namespace: 'other' })))).toEqual(['p']);
  });
});

describe('memory', () => {
  const memory = 500_000;
  const small = policyOf(withBlocks(10), { name: 'small', namespace: 'other' });
  const large = policyOf(withBlocks(1000));

  test.each(['warn', 'enforce'] as const)('what does not fit fails closed and is named, with --limits=%s', (mode) => {
    const { given, named } = limitsOf(mode, {}, memory);
    given(podChange(podIn('shop')), podChange(podIn('other')), change(small));
    expect(given(change(large))).toEqual([
      expect.stringMatching(/^p: spec it would take about 2\.\d MB.*0\.5 MB.*--max-policy-memory/),
    ]);
    expect(named()).toEqual([['policy', 'p', 'policyMemory', true]]);
    expect(given(deletion(large))).toEqual(['-p']);
    expect(named()).toEqual([]);
  });

  test('where its namespace has no pod on this node it is no rules; with the first pod it is', () => {
    const { given } = limitsOf('warn', {}, memory);
    expect(given(podChange(podIn('shop', 'far', 'n2')), change(large))).toEqual(['p']);
    expect(given(podChange(podIn('shop')))).toEqual([expect.stringMatching(/^p: .*--max-policy-memory/)]);
    expect(given({ kind: 'pod', ref: podIn('shop').ref })).toEqual(['p']);
  });
});

test('more than twenty lines for one set of changes are one that says how many more', () => {
  const { given, lines } = limitsOf('warn', { policyRules: 0 });
  given(...Array.from({ length: 50 }, (_, index) => change(policyOf(withBlocks(1), { name: `p${index}` }))));
  expect(lines).toHaveLength(21);
  expect(lines.at(-1)).toEqual({ more: 30 });
});

describe('a pod', () => {
  const policies = ['c', 'a', 'b'].map((name, index) =>
    policyOf(withBlocks(1), { name, created: `2026-01-0${index + 1}T00:00:00Z` }),
  );
  const programWith = (maxPodPolicies?: number) =>
    compile(
      { policies, pods: [podIn('shop')], namespaces: [], nodes: [] },
      { scope: { node: 'n1' }, ...(maxPodPolicies === undefined ? {} : { maxPodPolicies }) },
    );

  test.each([
    [3, ['a', 'b', 'c']],
    [2, ['a', 'c']],
    [1, ['c']],
  ])('with at most %i policies that allow: all isolate it, the oldest allow', (most, allowing) => {
    const ingress = programWith(most).endpoints.get('shop/pod')?.ingress;
    expect(ingress).toEqual({
      kind: 'isolated',
      by: policies.map(({ ref }) => ref).sort((a, b) => (policyKey(a) < policyKey(b) ? -1 : 1)),
      allowedBy: allowing.map((name) => `ingress shop/${name}`),
    });
  });

  test('is named where it has more than the limit', () => {
    const endpoint = programWith().endpoints.get('shop/pod');
    const [at, over] = [limitsOf('warn', { podPolicies: 3 }), limitsOf('enforce', { podPolicies: 2 })];
    for (const { stage } of [at, over])
      stage.endpointsChanged([{ key: 'shop/pod', ...(endpoint === undefined ? {} : { after: endpoint }) }]);
    expect(at.named()).toEqual([]);
    expect(over.named()).toEqual([['pod', 'pod', 'podPolicies', true]]);
    over.stage.endpointsChanged([{ key: 'shop/pod' }]);
    expect(over.named()).toEqual([]);
  });

  test('every policy that selects it counts, one in a dry run as well', () => {
    const dry = { ...policyOf({ ...everyPod, policyTypes: ['Ingress'] }, { name: 'dry' }), mode: 'dry-run' as const };
    const snapshot = { policies: [...policies, dry], pods: [podIn('shop')], namespaces: [], nodes: [] };
    expect(compile(snapshot, { scope: { node: 'n1' } }).endpoints.get('shop/pod')?.policies).toBe(4);
  });
});
