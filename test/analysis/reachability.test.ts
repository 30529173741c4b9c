import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FlowEndpoint } from '../../src/evaluation/flow-endpoints.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import {
  allPorts,
  difference,
  hasPort,
  intersection,
  noPorts,
  portSet,
  union,
} from '../../src/evaluation/port-sets.js';
import { compileWorkloads } from '../../src/analysis/compiled-workloads.js';
import { Reach, type ReachOptions } from '../../src/analysis/reachability.js';
import { workloadsOf } from '../../src/analysis/workloads.js';
import type { WorkloadPod } from '../../src/model/workload.js';
import { addressToNumber, familyOf, parseCidr, type Address, type Cidr } from '../../src/model/address.js';
import type { ClusterSnapshot } from '../../src/model/cluster.js';
import type { Pod } from '../../src/model/pod.js';
import { isAllowed } from '../oracle/oracle.js';
import { namespace, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import { ClusterState } from '../cases/cluster-state.js';
import { cluster, outsiders, portPool } from '../support/arbitrary.js';

const options = { ipBlocks: 'cluster', podCidrs: [], self: false } as const;
const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no CIDR`);
  return parsed;
};
const bare = (one: Pod): WorkloadPod => ({ owner: { kind: 'Pod', ...one.ref }, pod: one });

/** Every pod has addresses of its own, one a family at most, and no node stands in the way. */
function tidied(snapshot: ClusterSnapshot): ClusterSnapshot {
  const taken = new Set<Address>();
  const pods = snapshot.pods.map((one) => {
    const addresses = one.addresses.filter((address, index, all) => {
      const first = all.findIndex((other) => familyOf(other) === familyOf(address)) === index;
      if (!first || taken.has(address)) return false;
      taken.add(address);
      return true;
    });
    return { ...one, addresses };
  });
  return { ...snapshot, pods: pods.filter(({ addresses }) => addresses.length > 0), nodes: [] };
}

describe('reachability', () => {
  test('is what the oracle says of every pair, family, protocol and port', () => {
    fc.assert(
      fc.property(cluster.map(tidied), (snapshot) => {
        const workloads = workloadsOf(snapshot.pods.map(bare), snapshot.policies);
        const evaluator = new Evaluator(compileWorkloads(workloads, snapshot), options);
        const inside = workloads.flatMap((workload) =>
          workload.addresses.map((address): { address: Address; end: FlowEndpoint; id: string } => ({
            address,
            id: workload.id,
            end: { kind: 'workload', workload },
          })),
        );
        const outside = outsiders.map((address): { address: Address; end: FlowEndpoint } => ({
          address,
          end: { kind: 'address', address },
        }));
        const wrong: string[] = [];
        for (const from of [...inside, ...outside])
          for (const to of [...inside, ...outside]) {
            if (from.end === to.end || familyOf(from.address) !== familyOf(to.address)) continue;
            if (from.end.kind === 'address' && to.end.kind === 'address') continue;
            if (from.end.kind === 'workload' && to.end.kind === 'workload' && from.end.workload === to.end.workload)
              continue;
            const { ports } = evaluator.allowance(from.end, to.end, familyOf(from.address));
            for (const protocol of ['TCP', 'UDP', 'SCTP'] as const)
              for (const port of portPool.filter((one) => one > 0)) {
                const question = { source: from.address, destination: to.address, protocol, port };
                if (hasPort(ports, protocol, port) !== isAllowed(snapshot, question))
                  wrong.push(JSON.stringify(question));
              }
          }
        expect(wrong.slice(0, 3)).toEqual([]);
        // The whole table, made from tables of peers, says of every pair what the judge says of it.
        const connections = [...new Reach(workloads, compileWorkloads(workloads, snapshot), options).connections];
        for (const from of inside)
          for (const to of inside) {
            const family = familyOf(from.address);
            if (from.id === to.id || familyOf(to.address) !== family) continue;
            const listed = connections.find(
              (one) => one.from === from.id && one.to === to.id && (one.family ?? family) === family,
            );
            expect(listed?.allowed ?? noPorts).toEqual(evaluator.allowance(from.end, to.end, family).ports);
          }
      }),
      { numRuns: 300 },
    );
  });

  const reach = (manifests: readonly Manifest[], more: Partial<ReachOptions> = {}) => {
    const state = new ClusterState();
    state.take({ apply: manifests });
    const snapshot = state.snapshot();
    const workloads = workloadsOf(snapshot.pods.map(bare), snapshot.policies);
    const { endpoints, connections } = new Reach(workloads, compileWorkloads(workloads, snapshot), {
      ...options,
      ...more,
    });
    return { endpoints, connections: [...connections] };
  };
  const template = (end: string, labels: Readonly<Record<string, string>>): Manifest =>
    pod(end, { labels, addresses: [] });
  const only = (...from: readonly object[]): Manifest =>
    policy('p.x', { podSelector: { matchLabels: { app: 'b' } }, ingress: [{ from, ports: [{ port: 80 }] }] });
  const workloads = [namespace('x'), template('a.x', { app: 'a' }), template('b.x', { app: 'b' })];

  test('external ranges cover everything once, cut where blocks tell them apart', () => {
    const { endpoints, connections } = reach([
      ...workloads,
      only({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }),
    ]);
    const external = endpoints.flatMap((one) => (one.kind === 'external' ? [one] : []));
    const sorted = external
      .filter(({ first }) => familyOf(first) === 'IPv4')
      .map(({ first, last }) => [addressToNumber(first), addressToNumber(last)] as const)
      .sort((a, b) => (a[0] < b[0] ? -1 : 1));
    expect(sorted[0]?.[0]).toBe(0n);
    expect(sorted.at(-1)?.[1]).toBe(2n ** 32n - 1n);
    sorted.slice(1).forEach(([first], index) => expect(first).toBe((sorted[index]?.[1] ?? 0n) + 1n));
    const into = connections.filter(({ to, from }) => to === 'x/Pod/b' && from.includes('-')).map(({ from }) => from);
    expect(into).toEqual(['10.0.0.0-10.0.255.255', '10.2.0.0-10.255.255.255']);
  });

  test.each([
    ['cluster', '0.0.0.0/0', [], true],
    ['cluster', '10.0.0.0/8', [], false],
    ['cluster', '10.0.0.0/8', [cidr('10.244.0.0/16'), cidr('10.245.0.0/16')], true],
    ['cluster', '10.244.0.0/16', [cidr('10.244.0.0/16'), cidr('10.245.0.0/16')], false],
    ['cluster', '10.0.0.0/8', [cidr('10.244.0.0/16'), cidr('fd00::/64')], true],
    ['external', '0.0.0.0/0', [], false],
  ] as const)('an ipBlock and pods without addresses, read as %s: %s', (ipBlocks, cidr, podCidrs, reaches) => {
    const { connections } = reach([...workloads, only({ ipBlock: { cidr } })], { ipBlocks, podCidrs });
    const found = connections.filter(({ from, to }) => from === 'x/Pod/a' && to === 'x/Pod/b');
    expect(found.map(({ family, assumed }) => [family, assumed])).toEqual(reaches ? [[undefined, true]] : []);
  });

  test('no self pairs unless asked', () => {
    const self = ({ connections }: ReturnType<typeof reach>): number =>
      connections.filter(({ from, to }) => from === to).length;
    expect([self(reach(workloads)), self(reach(workloads, { self: true }))]).toEqual([0, 2]);
  });
});

describe('port sets', () => {
  const range = fc
    .tuple(fc.constantFrom('TCP' as const, 'UDP' as const), fc.nat({ max: 20 }), fc.nat({ max: 5 }))
    .map(([protocol, first, length]) => ({ protocol, first, last: first + length }));
  const set = fc.array(range, { maxLength: 5 }).map(portSet);

  test('union, intersection and difference, port by port', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        for (let port = 1; port <= 26; port += 1)
          for (const protocol of ['TCP', 'UDP'] as const) {
            const [inA, inB] = [hasPort(a, protocol, port), hasPort(b, protocol, port)];
            expect(hasPort(union(a, b), protocol, port)).toBe(inA || inB);
            expect(hasPort(intersection(a, b), protocol, port)).toBe(inA && inB);
            expect(hasPort(difference(a, b), protocol, port)).toBe(inA && !inB);
          }
        expect(union(a, b)).toEqual(union(b, a));
        expect(intersection(a, allPorts)).toEqual(a);
        expect(union(a, noPorts)).toEqual(a);
      }),
    );
  });
});
