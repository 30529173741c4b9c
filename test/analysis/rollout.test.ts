import { describe, expect, test } from '@jest/globals';
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

/** web selects api-1 on n1 and api-2 on n2; nothing selects the client on n1. */
function snapshot(generation = 2, uid = 'web-uid'): ClusterSnapshot {
  const web = policy('web.x', { podSelector: { matchLabels: { app: 'api' } } });
  return {
    namespaces: [valueOf(parseNamespace(namespace('x')))],
    nodes: (['n1', 'n2'] as const).map((name) => valueOf(parseNode(node(name)))),
    pods: [
      pod('api-1.x', { node: 'n1', addresses: ['10.244.1.11'], labels: { app: 'api' } }),
      pod('client.x', { node: 'n1', addresses: ['10.244.1.12'], labels: { app: 'client' } }),
      pod('api-2.x', { node: 'n2', addresses: ['10.244.2.11'], labels: { app: 'api' } }),
    ].map((one) => valueOf(parsePod(one))),
    policies: [
      valueOf(parseNetworkPolicy({ ...web, metadata: { ...web.metadata, uid, generation } }, { strict: true })),
    ],
  };
}

const enforced: EnforcedPolicy = { namespace: 'x', name: 'web', uid: 'web-uid', generation: 2, pods: 1 };
const said = (change: Partial<NodePolicyStatus> = {}): NodePolicyStatus => ({
  ready: true,
  revision: 7,
  observedAt: new Date(now - 5 * second).toISOString(),
  endpoints: 1,
  unattached: 0,
  policies: [enforced],
  ...change,
});

const judged = (n2: NodePolicyStatus | undefined, cluster = snapshot()) => {
  const statuses = new Map([['n1', said()], ...(n2 === undefined ? [] : [['n2', n2] as const])]);
  return rolloutOf(cluster, { statuses, now, silentAfter: 90 * second }).find((one) => one.node === 'n2');
};

describe('whether every node enforces what the cluster wants', () => {
  test('in force where generation and pods agree', () => {
    expect(judged(said())).toMatchObject({ inForce: true, missing: [], pods: 1, policies: 1, age: 5 * second });
  });

  test.each<[string, NodePolicyStatus | undefined, string]>([
    ['no word of its agent', undefined, 'its agent has never reported'],
    ['an agent that is not ready', said({ ready: false }), 'its agent is not ready'],
    [
      'an agent that is silent',
      said({ observedAt: new Date(now - 120 * second).toISOString() }),
      'its agent has been silent for 120 s',
    ],
    ['a policy that it does not know', said({ policies: [] }), 'x/web: not enforced yet'],
    [
      'an older generation',
      said({ policies: [{ ...enforced, generation: 1 }] }),
      'x/web: generation 1 is enforced, 2 is wanted',
    ],
    ['a pod that it does not know', said({ policies: [{ ...enforced, pods: 0 }] }), 'x/web: enforced on 0 of 1 pods'],
    [
      'a policy of the same name that is gone',
      said({ policies: [{ ...enforced, uid: 'former', generation: 5 }] }),
      'x/web: enforced as it was before it was deleted and made again',
    ],
  ])('not in force: %s', (_name, status, reason) => {
    expect(judged(status)).toMatchObject({ inForce: false, missing: [reason] });
  });

  test('a node ahead of what we have read is in force; one that fails closed says so', () => {
    const failing = { ...enforced, generation: 3, failing: ['spec: refused'] };
    expect(judged(said({ policies: [failing] }))).toMatchObject({
      inForce: true,
      failing: [{ namespace: 'x', name: 'web' }],
    });
  });

  test('asked for one policy, only nodes with pods that it selects count', () => {
    const { pods, ...rest } = snapshot();
    const only = { namespace: 'x', name: 'web' };
    const onN1 = { ...rest, pods: pods.filter((one) => one.node === 'n1') };
    const statuses = new Map([['n1', said()]]);
    const rollout = rolloutOf(onN1, { statuses, now, silentAfter: 90 * second, only });
    expect(rollout.map((one) => [one.node, one.inForce, one.pods])).toEqual([['n1', true, 1]]);
  });

  test('a node without anything to enforce need not report', () => {
    const { pods, ...rest } = snapshot();
    const statuses = new Map([['n1', said()]]);
    const rollout = rolloutOf({ ...rest, pods: pods.slice(0, 2) }, { statuses, now, silentAfter: 90 * second });
    expect(rollout.map((one) => [one.node, one.inForce])).toEqual([
      ['n1', true],
      ['n2', true],
    ]);
  });
});
