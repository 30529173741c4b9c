import { describe, expect, test } from '@jest/globals';
import { excessText, limitText, standardLimits, type LimitName, type Limits } from '../../src/limits/limits.js';
import { countPolicy, policyExcesses } from '../../src/limits/policy-counts.js';
import { formatPath } from '../../src/model/diagnostic.js';
import { blocks, everyPod, excepts, policyOf, withBlocks } from './policies.js';

const limits: Limits = { ...standardLimits, policyCidrs: 10, policyPorts: 10, policyRules: 10, policyPeers: 10 };

const selectors = (count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({ podSelector: { matchLabels: { app: `a${index}` } } }));
const ports = (count: number): object[] => Array.from({ length: count }, (_, index) => ({ port: index + 1 }));

/** A policy with `count` of what a limit counts, and the field that has most of it. */
const sized: Readonly<Partial<Record<LimitName, readonly [(count: number) => object, string]>>> = {
  policyCidrs: [
    (count) => ({
      ...everyPod,
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: blocks(2) }],
      egress: [{ to: [...selectors(3), { ipBlock: { cidr: '10.0.0.0/8', except: excepts(count - 3) } }] }],
    }),
    'spec.egress[0].to',
  ],
  policyPorts: [
    (count) => ({ ...everyPod, ingress: [{ ports: ports(1) }, { ports: ports(count - 1) }] }),
    'spec.ingress[1].ports',
  ],
  policyRules: [(count) => ({ ...everyPod, ingress: Array.from({ length: count }, () => ({})) }), 'spec.ingress'],
  policyPeers: [
    (count) => ({ ...everyPod, ingress: [{ from: [...selectors(count), ...blocks(3)] }] }),
    'spec.ingress[0].from',
  ],
};

describe.each(Object.entries(sized))('%s', (limit, [specOf, field]) => {
  const excesses = (count: number) => {
    const policy = policyOf(specOf(count));
    expect(policy.kind).toBe('policy');
    return policyExcesses(policy, countPolicy(policy), limits).filter((one) => one.limit === limit);
  };

  test('at the limit is within it', () => {
    expect(excesses(10)).toEqual([]);
  });

  test('one past it is over it, and named with number and field', () => {
    const [excess] = excesses(11);
    expect(excess).toMatchObject({ limit, count: 11, most: 10 });
    expect(formatPath(excess?.path ?? [])).toBe(field);
  });
});

test('an except counts beside its block, and never as the ranges that the subtraction would make', () => {
  const policy = policyOf({
    ...everyPod,
    ingress: [{ from: [{ ipBlock: { cidr: '::/0', except: ['fd00::1/128'] } }] }],
  });
  // The ranges of ::/0 without one address are 128.
  expect(countPolicy(policy)).toMatchObject({ cidrs: 2, peers: 0, rules: 1, ports: 0 });
});

test('bytes are those of the spec as JSON, whatever the text was', () => {
  const spec = { ...everyPod, ingress: [{ from: [{ podSelector: { matchLabels: { name: 'ä' } } }] }] };
  const policy = policyOf(spec);
  const bytes = Buffer.byteLength(JSON.stringify(spec));
  expect(countPolicy(policy).bytes).toBe(bytes);
  const atMost = (policyBytes: number) =>
    policyExcesses(policy, countPolicy(policy), { ...standardLimits, policyBytes });
  expect(atMost(bytes)).toEqual([]);
  expect(atMost(bytes - 1)).toEqual([{ limit: 'policyBytes', count: bytes, most: bytes - 1, path: ['spec'] }]);
});

test('a policy that does not parse counts as its bytes', () => {
  const policy = policyOf({ ...everyPod, ingress: [{ from: [...blocks(20), { ipBlock: { cidr: 'x' } }] }] });
  expect(policy.kind).toBe('broken');
  expect(countPolicy(policy)).toMatchObject({ cidrs: 0, rules: 0 });
  expect(countPolicy(policy).bytes).toBeGreaterThan(500);
});

test('counting a policy of 100,000 blocks takes no product: the standard limit holds it, one more is over it', () => {
  const counts = (count: number) => {
    const policy = policyOf(withBlocks(count));
    return policyExcesses(policy, countPolicy(policy), standardLimits)
      .filter(({ limit }) => limit === 'policyCidrs')
      .map(excessText);
  };
  expect(counts(100_000)).toEqual([]);
  expect(counts(100_001)).toEqual([
    '100,001 CIDR ranges (each ipBlock and each of its excepts): more than 100,000 (--max-policy-cidrs)',
  ]);
});

test('a limit is named without the number where that changes', () => {
  expect(limitText({ limit: 'podPolicies', most: 1000 })).toBe(
    'more than 1,000 policies that select the pod (--max-pod-policies)',
  );
});
