import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
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
import { addressToNumber, familyOf, parseCidr, type Cidr } from '../../src/model/address.js';
import type { ClusterSnapshot } from '../../src/model/cluster.js';
import { protocols } from '../../src/model/policy.js';
import type { Pod } from '../../src/model/pod.js';
import { isAllowed } from '../oracle/oracle.js';
import { namespace, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import { ClusterState } from '../cases/cluster-state.js';
import { UserAnswers } from '../cases/user-answers.js';
import { cluster, outsiders, portPool } from '../support/arbitrary.js';
import { cases } from '../support/seed.js';

const options = { ipBlocks: 'cluster', podCidrs: [], self: false } as const;
const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no CIDR`);
  return parsed;
};
const bare = (one: Pod): WorkloadPod => ({ owner: { kind: 'Pod', ...one.ref }, pod: one });

/** As the API server has it; pods share addresses, and nodes have some. */
const oneAddressPerFamily = (snapshot: ClusterSnapshot): ClusterSnapshot => ({
  ...snapshot,
  pods: snapshot.pods.map((one) => ({
    ...one,
    addresses: one.addresses.filter(
      (address, index, all) => all.findIndex((other) => familyOf(other) === familyOf(address)) === index,
    ),
  })),
});

const answersAbout = ({ policies, namespaces, nodes, pods }: ClusterSnapshot): UserAnswers =>
  new UserAnswers({
    policies,
    namespaces,
    nodes,
    pods: pods.map(bare),
    implied: new Set(),
    services: [],
    podCidrs: [],
  });

describe('reachability', () => {
  test('is what the oracle says of every pair, family, protocol and port, in a question and in the matrix', () => {
    const seen = { can: 0, reach: 0, both: 0 };
    fc.assert(
      fc.property(cluster.map(oneAddressPerFamily), (snapshot) => {
        const users = answersAbout(snapshot);
        const addresses = [...new Set([...snapshot.pods.flatMap((one) => one.addresses), ...outsiders])];
        const wrong: string[] = [];
        for (const source of addresses)
          for (const destination of addresses) {
            const family = familyOf(source);
            if (familyOf(destination) !== family) continue;
            const answers = users.portsOf({ source, destination, family });
            // All ports, those too that nobody asks the oracle about.
            const isInBoth = answers.can !== undefined && answers.reach !== undefined;
            if (isInBoth) expect({ ...answers, source, destination }).toMatchObject({ reach: answers.can });
            seen.both += Number(isInBoth);
            for (const command of ['can', 'reach'] as const) {
              const ports = answers[command];
              if (ports === undefined) continue;
              seen[command] += 1;
              for (const protocol of protocols)
                for (const port of portPool) {
                  const question = { source, destination, protocol, port };
                  if (hasPort(ports, protocol, port) !== isAllowed(snapshot, question))
                    wrong.push(`${command}: ${JSON.stringify(question)}`);
                }
            }
          }
        expect(wrong.slice(0, 3)).toEqual([]);
      }),
      { numRuns: cases(300) },
    );
    expect(Math.min(seen.can, seen.reach, seen.both)).toBeGreaterThan(0);
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

  test('egress to anyone by number and by name: who has no such name is reached by number', () => {
    const ports = [{ port: 'http' }, { port: 443 }];
    const sending = policy('p.x', { podSelector: {}, policyTypes: ['Egress'], egress: [{ ports }] });
    const { connections } = reach([...workloads, sending]);
    const found = connections.filter(({ from, to }) => from === 'x/Pod/a' && to.includes('-'));
    expect(found.length).toBeGreaterThan(0);
    for (const { allowed } of found) expect(allowed).toEqual([{ protocol: 'TCP', first: 443, last: 443 }]);
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
