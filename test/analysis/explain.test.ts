import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FlowEndpoint } from '../../src/evaluation/flow-endpoints.js';
import { explain, type AnalysisInput } from '../../src/analysis/explain.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import { hasPort } from '../../src/evaluation/port-sets.js';
import { compileWorkloads } from '../../src/analysis/compiled-workloads.js';
import { workloadsOf } from '../../src/analysis/workloads.js';
import { allowanceIn } from '../../src/evaluation/verdicts.js';
import type { ClusterSnapshot } from '../../src/model/cluster.js';
import { policyKey } from '../../src/model/policy.js';
import { namespace, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import { ClusterState } from '../cases/cluster-state.js';
import { cluster, outsiders } from '../support/arbitrary.js';

const blocks = { ipBlocks: 'cluster', podCidrs: [] } as const;

function inputOf(
  snapshot: Pick<ClusterSnapshot, 'policies' | 'namespaces' | 'pods'>,
): AnalysisInput & { readonly endpoints: readonly FlowEndpoint[] } {
  const pods = snapshot.pods.map((one) => ({ owner: { kind: 'Pod', ...one.ref }, pod: one }));
  const workloads = workloadsOf(pods, snapshot.policies);
  return {
    evaluator: new Evaluator(compileWorkloads(workloads, snapshot), blocks),
    policies: new Map(snapshot.policies.map((one) => [policyKey(one.ref), one])),
    namespaces: new Map(snapshot.namespaces.map((one) => [one.name, one])),
    ipBlocks: 'cluster',
    endpoints: workloads.map((workload) => ({ kind: 'workload', workload })),
  };
}

describe('explain', () => {
  test('its steps agree with the verdict, and the edit that it proposes lets through', () => {
    fc.assert(
      fc.property(cluster, fc.constantFrom(80, 443), (snapshot, number) => {
        const before = inputOf(snapshot);
        const port = { protocol: 'TCP', number } as const;
        const endpoints: readonly FlowEndpoint[] = [
          ...before.endpoints,
          ...outsiders.slice(0, 2).map((address) => ({ kind: 'address', address }) as const),
        ];
        for (const from of endpoints)
          for (const to of endpoints) {
            if (from === to || (from.kind === 'address' && to.kind === 'address')) continue;
            for (const { answer, steps } of explain(before, { from, to, port })) {
              expect(steps.every((step) => step.allowed)).toBe(answer.allowed);
              for (const { edit, direction, endpoint, allowed, misses, isolatedBy } of steps) {
                if (allowed) continue;
                expect(misses.map((miss) => miss.policy)).toEqual(isolatedBy);
                // Broken policies allow nothing whatever is added to them.
                expect(edit === undefined).toBe(misses.every((miss) => miss.kind === 'broken'));
                if (edit === undefined || endpoint.kind !== 'workload') continue;
                const policies = snapshot.policies.map((one) =>
                  policyKey(one.ref) === policyKey(edit.policy) ? edit.after : one,
                );
                const after = inputOf({ ...snapshot, policies });
                const same = (one: FlowEndpoint): FlowEndpoint =>
                  after.endpoints.find(
                    (other) =>
                      one.kind === 'workload' && other.kind === 'workload' && one.workload.id === other.workload.id,
                  ) ?? one;
                const [own, peer] = direction === 'egress' ? [from, to] : [to, from];
                const { ports } = allowanceIn(
                  after.evaluator.verdict(same(own), same(peer), { family: answer.over, direction }),
                );
                expect(hasPort(ports, 'TCP', number)).toBe(true);
              }
            }
          }
      }),
      { numRuns: 150 },
    );
  });

  const inputWith = (...manifests: readonly Manifest[]) => {
    const state = new ClusterState();
    state.take({ apply: [namespace('x'), namespace('y', { team: 'b' }), ...manifests] });
    return inputOf(state.snapshot());
  };
  const client = pod('client.y', { labels: { app: 'client' }, host: 11 });
  const server = pod('server.x', { labels: { app: 'server' }, host: 12, ports: [{ name: 'http', port: 8080 }] });
  const only = (rule: object): Manifest =>
    policy('p.x', { podSelector: {}, policyTypes: ['Ingress'], ingress: [rule] });

  test.each([
    [
      'a label of the pod',
      { from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'web' } } }] },
      'app=web',
      'y/Pod/client has app=client',
    ],
    [
      'a label that is missing',
      { from: [{ namespaceSelector: {}, podSelector: { matchLabels: { tier: 'a' } } }] },
      'tier=a',
      'y/Pod/client has no label tier',
    ],
    [
      'a label of the namespace',
      { from: [{ namespaceSelector: { matchLabels: { team: 'a' } } }] },
      'team=a',
      'namespace y has team=b',
    ],
    ['the own namespace', { from: [{ podSelector: {} }] }, 'pods in x', 'y/Pod/client is in y'],
    ['a block', { from: [{ ipBlock: { cidr: '10.9.0.0/16' } }] }, '10.9.0.0/16', 'the question is about 10.244.1.11'],
    [
      'an except',
      { from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.244.0.0/16'] } }] },
      'anything but 10.244.0.0/16',
      'the question is about 10.244.1.11',
    ],
    ['a port', { ports: [{ port: 81 }] }, 'TCP 81', 'the question is about TCP 80'],
    ['a protocol', { ports: [{ port: 80, protocol: 'UDP' }] }, 'UDP', 'the question is about TCP'],
    [
      'a named port',
      { ports: [{ port: 'http' }] },
      'http, which is TCP 8080 of x/Pod/server',
      'the question is about TCP 80',
    ],
    ['a named port that is not there', { ports: [{ port: 'grpc' }] }, 'a TCP port named grpc', 'x/Pod/server has none'],
  ])('what was nearest: %s', (_, rule, wants, has) => {
    const found = inputWith(client, server, only(rule));
    const [from, to] = ['y/Pod/client', 'x/Pod/server'].map((id) =>
      found.endpoints.find((one) => one.kind === 'workload' && one.workload.id === id),
    );
    if (from === undefined || to === undefined) throw new Error('a pod is missing');
    const explanations = explain(found, { from, to, port: { protocol: 'TCP', number: 80 } });
    const misses = explanations.flatMap(({ steps }) => steps.flatMap((step) => step.misses));
    const mismatches = misses.flatMap((miss) => (miss.kind === 'nearest' ? miss.miss.mismatches : []));
    expect(mismatches).toContainEqual(expect.objectContaining({ wants, has }));
  });
});
