import { describe, expect, test } from '@jest/globals';
import { compile } from '../../src/compiler/compiler.js';
import { EnforcedPolicies } from '../../src/reconciler/enforced-policies.js';
import { rolloutOf } from '../../src/analysis/rollout.js';
import type { ClusterSnapshot } from '../../src/model/cluster.js';
import type { EnforcedPolicy, NodePolicyStatus } from '../../src/model/node-policy-status.js';
import { parseNamespace, parseNetworkPolicy, parseNode, parsePod } from '../../src/model/parse.js';
import type { Parsed } from '../../src/model/diagnostic.js';
import { namespace, node, pod, policy } from '../cases/objects.js';

function valueOf<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.diagnostics));
  return parsed.value;
}

const now = Date.parse('2026-11-25T12:00:00Z');
const second = 1000;

type Annotations = { readonly policy?: object; readonly namespace?: object };

/** web selects api-1 on n1 and api-2 on n2; nothing selects the client on n1. */
function snapshot(generation = 2, uid = 'web-uid', annotations: Annotations = {}): ClusterSnapshot {
  const space = namespace('x');
  const web = policy('web.x', { podSelector: { matchLabels: { app: 'api' } } });
  return {
    namespaces: [
      valueOf(parseNamespace({ ...space, metadata: { ...space.metadata, annotations: annotations.namespace } })),
    ],
    nodes: (['n1', 'n2'] as const).map((name) => valueOf(parseNode(node(name)))),
    pods: [
      pod('api-1.x', { node: 'n1', addresses: ['10.244.1.11'], labels: { app: 'api' } }),
      pod('client.x', { node: 'n1', addresses: ['10.244.1.12'], labels: { app: 'client' } }),
      pod('api-2.x', { node: 'n2', addresses: ['10.244.2.11'], labels: { app: 'api' } }),
    ].map((one) => valueOf(parsePod(one))),
    policies: [
      valueOf(
        parseNetworkPolicy(
          { ...web, metadata: { ...web.metadata, uid, generation, annotations: annotations.policy } },
          { strict: true },
        ),
      ),
    ],
  };
}

const enforced: EnforcedPolicy = { namespace: 'x', name: 'web', uid: 'web-uid', generation: 2, pods: 1 };
const statusOfAgent = (change: Partial<NodePolicyStatus> = {}): NodePolicyStatus => ({
  ready: true,
  revision: 7,
  observedAt: new Date(now - 5 * second).toISOString(),
  endpoints: 1,
  unattached: 0,
  policies: [enforced],
  ...change,
});

const rollout = (n2: NodePolicyStatus | undefined, cluster = snapshot()) => {
  const statuses = new Map([['n1', statusOfAgent()], ...(n2 === undefined ? [] : [['n2', n2] as const])]);
  return rolloutOf(cluster, { statuses, now, silentAfter: 90 * second }).find((one) => one.node === 'n2');
};

describe('whether every node enforces what the cluster wants', () => {
  test('in force where generation and pods agree', () => {
    expect(rollout(statusOfAgent())).toMatchObject({
      inForce: true,
      missing: [],
      pods: 1,
      policies: 1,
      age: 5 * second,
    });
  });

  test.each<[string, NodePolicyStatus | undefined, string]>([
    ['no word of its agent', undefined, 'its agent has never reported'],
    ['an agent that is not ready', statusOfAgent({ ready: false }), 'its agent is not ready'],
    [
      'an agent that is silent',
      statusOfAgent({ observedAt: new Date(now - 120 * second).toISOString() }),
      'its agent has been silent for 120 s',
    ],
    ['a policy that it does not know', statusOfAgent({ policies: [] }), 'x/web: not enforced yet'],
    [
      'an older generation',
      statusOfAgent({ policies: [{ ...enforced, generation: 1 }] }),
      'x/web: generation 1 is enforced, 2 is desired',
    ],
    [
      'a pod that it does not know',
      statusOfAgent({ policies: [{ ...enforced, pods: 0 }] }),
      'x/web: enforced on 0 of 1 pods',
    ],
    [
      'a policy of the same name that is gone',
      statusOfAgent({ policies: [{ ...enforced, uid: 'previous', generation: 5 }] }),
      'x/web: enforced as it was before it was deleted and made again',
    ],
  ])('not in force: %s', (_name, status, reason) => {
    expect(rollout(status)).toMatchObject({ inForce: false, missing: [reason] });
  });

  test('a node ahead of what we have read is in force; one that fails closed says so', () => {
    const failing = { ...enforced, generation: 3, failing: ['spec: refused'] };
    expect(rollout(statusOfAgent({ policies: [failing] }))).toMatchObject({
      inForce: true,
      failing: [{ namespace: 'x', name: 'web' }],
    });
  });

  describe.each<[string, Annotations]>([
    ['by its own annotation', { policy: { 'podwall.dev/mode': 'dry-run' } }],
    ["by its namespace's", { namespace: { 'podwall.dev/mode': 'dry-run' } }],
    [
      "by its namespace's, whatever it says",
      { policy: { 'podwall.dev/mode': 'enforce' }, namespace: { 'podwall.dev/mode': 'dry-run' } },
    ],
  ])('a policy in a dry run, %s', (_name, annotations) => {
    const cluster = snapshot(2, 'web-uid', annotations);

    test('is missed by nobody: a node that enforces nothing is in force, even one that never reported', () => {
      expect(rollout(statusOfAgent({ policies: [] }), cluster)).toMatchObject({
        inForce: true,
        policies: 0,
        missing: [],
      });
      expect(rollout(undefined, cluster)).toMatchObject({ inForce: true, missing: [] });
    });

    test('asked for by its name, is in force nowhere, and the reason is given', () => {
      const statuses = new Map((['n1', 'n2'] as const).map((name) => [name, statusOfAgent({ policies: [] })]));
      const only = { namespace: 'x', name: 'web' };
      const rollout = rolloutOf(cluster, { statuses, now, silentAfter: 90 * second, only });
      expect(rollout.map(({ inForce, missing }) => [inForce, missing])).toEqual(
        ['n1', 'n2'].map(() => [false, ['x/web: in a dry run: nothing enforces it']]),
      );
    });
  });

  test('an annotation that is no mode enforces: the policy is expected', () => {
    const cluster = snapshot(2, 'web-uid', { policy: { 'podwall.dev/mode': 'Audit' } });
    expect(rollout(statusOfAgent({ policies: [] }), cluster)).toMatchObject({
      inForce: false,
      missing: ['x/web: not enforced yet'],
    });
    expect(rollout(statusOfAgent(), cluster)).toMatchObject({ inForce: true });
  });

  test('an agent in a dry run as a whole enforces nothing, and its node is not in force', () => {
    const dryRun = compile(snapshot(), { scope: { node: 'n2' }, dryRun: 'all' });
    const all = { program: dryRun, policies: snapshot().policies, unattached: [], isPending: () => false };
    const policies = new EnforcedPolicies().update(all);
    expect(policies).toEqual([]);
    expect(rollout(statusOfAgent({ policies }))).toMatchObject({
      inForce: false,
      missing: ['x/web: not enforced yet'],
    });
  });

  test('asked for one policy, only nodes with pods that it selects count', () => {
    const { pods, ...rest } = snapshot();
    const only = { namespace: 'x', name: 'web' };
    const onN1 = { ...rest, pods: pods.filter((one) => one.node === 'n1') };
    const statuses = new Map([['n1', statusOfAgent()]]);
    const rollout = rolloutOf(onN1, { statuses, now, silentAfter: 90 * second, only });
    expect(rollout.map((one) => [one.node, one.inForce, one.pods])).toEqual([['n1', true, 1]]);
  });

  test('a node without anything to enforce need not report', () => {
    const { pods, ...rest } = snapshot();
    const statuses = new Map([['n1', statusOfAgent()]]);
    const rollout = rolloutOf({ ...rest, pods: pods.slice(0, 2) }, { statuses, now, silentAfter: 90 * second });
    expect(rollout.map((one) => [one.node, one.inForce])).toEqual([
      ['n1', true],
      ['n2', true],
    ]);
  });
});
