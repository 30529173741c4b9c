/** What users read of limits and of objects that are wrong at many places. */
import { describe, expect, test } from '@jest/globals';
import type { OverLimit } from '../../src/limits/over-limit.js';
import { boundedDiagnostics, type Diagnostic } from '../../src/model/diagnostic.js';
import { AgentMetrics } from '../../src/node/metrics/agent-metrics.js';
import { eventConditions } from '../../src/node/reports/event-conditions.js';
import type { AgentStatus } from '../../src/node/control-socket.js';
import { everyPod, policyOf } from './policies.js';

const over = (one: Partial<OverLimit>): OverLimit => ({
  of: 'policy',
  namespace: 'shop',
  name: 'p',
  limit: 'policyRules',
  count: 3,
  most: 2,
  message: 'spec.ingress: 3 rules: more than 2',
  refused: false,
  ...one,
});

describe('an Event', () => {
  const events = (...overLimits: readonly OverLimit[]) =>
    eventConditions({ failing: [], unattached: [], unfiltered: [], problems: [], overLimits });

  test('on a policy says number, limit and field, and that it is enforced', () => {
    expect(events(over({ uid: 'u' }))).toEqual([
      {
        object: { kind: 'NetworkPolicy', namespace: 'shop', name: 'p', uid: 'u' },
        type: 'Warning',
        reason: 'OverLimit',
        message: 'spec.ingress: 3 rules: more than 2; enforced all the same (--limits=warn)',
      },
    ]);
  });

  test('a policy that fails closed has its Event for that', () => {
    expect(events(over({ refused: true }), over({ limit: 'policyMemory', refused: true }))).toEqual([]);
  });

  test.each([
    ['namespace', 'namespacePolicies', 'Namespace', 'the youngest policies fail closed'],
    ['pod', 'podPolicies', 'Pod', 'the youngest of them allow nothing'],
  ] as const)('on a %s says what follows, and stays the same while the number changes', (of, limit, kind, follows) => {
    const [three] = events(over({ of, limit, refused: true }));
    const [four] = events(over({ of, limit, refused: true, count: 4 }));
    expect(three).toEqual(four);
    expect(three).toMatchObject({ object: { kind }, message: expect.stringContaining(follows) });
    expect(three?.message).toMatch(/^more than 2 .*--max-/);
  });
});

test('metrics: each limit, how much is over it, and 0 where nothing is', async () => {
  using metrics = new AgentMetrics();
  metrics.sources.limits = () => ({ policyRules: 2, podPolicies: 5 });
  const status = {
    overLimits: [over({}), over({ name: 'q' })],
    policyMemory: 7,
    failing: [],
    endpoints: [],
    unattached: [],
    unfiltered: [],
  };
  metrics.sources.status = () => status as unknown as AgentStatus;
  const text = await metrics.text();
  for (const line of [
    'podwall_limit{limit="policyRules"} 2',
    'podwall_limit{limit="podPolicies"} 5',
    'podwall_limit_exceeded{limit="policyRules"} 2',
    'podwall_limit_exceeded{limit="podPolicies"} 0',
    'podwall_policy_memory_bytes 7',
  ])
    expect(text.split('\n')).toContain(line);
});

describe('what is wrong with an object', () => {
  const diagnostic = (index: number, severity: Diagnostic['severity'] = 'error'): Diagnostic => ({
    code: 'c',
    severity,
    path: ['spec', index],
    message: `m${index}`,
  });
  const many = (count: number): Diagnostic[] => Array.from({ length: count }, (_, index) => diagnostic(index));

  test('is kept whole up to twenty, and then with the number of the rest', () => {
    expect(boundedDiagnostics(many(20))).toEqual(many(20));
    const bounded = boundedDiagnostics(many(21));
    expect(bounded.slice(0, 20)).toEqual(many(20));
    expect(bounded.slice(20)).toMatchObject([{ severity: 'error', message: 'and 1 more' }]);
  });

  test('keeps an error behind many warnings, and cuts a message that is a whole file', () => {
    const warnings = many(30).map((one) => ({ ...one, severity: 'warning' as const }));
    const long = { ...diagnostic(99), message: 'x'.repeat(1_000_000) };
    const [first, ...rest] = boundedDiagnostics([...warnings, long]);
    expect(first).toMatchObject({ path: ['spec', 99] });
    expect(first?.message.length).toBeLessThan(600);
    expect(rest.at(-1)).toMatchObject({ severity: 'warning', message: 'and 11 more' });
  });

  test('a policy that is wrong at 50,000 places keeps twenty of them, and fails closed', () => {
    const ports = Array.from({ length: 50_000 }, () => ({ port: 0 }));
    const policy = policyOf({ ...everyPod, ingress: [{ ports }] });
    expect(policy).toMatchObject({ kind: 'broken', directions: ['ingress'] });
    expect(policy.kind === 'broken' && policy.diagnostics.length).toBe(21);
  });
});
