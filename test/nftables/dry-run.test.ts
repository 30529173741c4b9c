/** What a dry run and recorded allows may never do to a packet, and how often they tell of one. */
import { expect, describe, test } from '@jest/globals';
import fc from 'fast-check';
import { compile } from '../../src/compiler/compiler.js';
import { isTried } from '../../src/model/audit-mode.js';
import type { ClusterSnapshot } from '../../src/model/cluster.js';
import { directions } from '../../src/model/policy.js';
import { familyOf } from '../../src/model/address.js';
import type { Flow } from '../../src/evaluation/types.js';
import type { AuditRules } from '../../src/nftables/log-rules.js';
import { render, type RenderOptions } from '../../src/nftables/renderer.js';
import { setName } from '../../src/nftables/skeleton.js';
import { addressPool, cluster, portPool } from '../support/arbitrary.js';
import { cases } from '../support/seed.js';
import { Interpreter, type Packet } from './interpreter.js';

const audit: AuditRules = { group: 1, pairRate: 100, pairBurst: 200, pairs: 1024, sharedRate: 1000 };
const scope = { scope: { node: 'n1' } } as const;
const runs = { numRuns: cases(40) };

/** On one node, and every other policy in a dry run. */
const tried = cluster.map((one) => ({
  ...one,
  pods: one.pods.map((pod) => ({ ...pod, node: 'n1' })),
  policies: one.policies.map((policy, index) => (index % 2 === 0 ? policy : { ...policy, mode: 'audit' as const })),
}));

/** The same cluster without anything that is only told of. */
const enforcedOnly = (one: ClusterSnapshot): ClusterSnapshot => ({
  ...one,
  policies: one.policies.filter(
    (policy) =>
      !isTried(
        policy,
        one.namespaces.find(({ name }) => name === policy.ref.namespace),
      ),
  ),
  namespaces: one.namespaces.map((namespace) => ({ ...namespace, annotations: {} })),
});

const flows: readonly Flow[] = addressPool.flatMap((source) =>
  addressPool
    .filter((destination) => familyOf(source) === familyOf(destination))
    .flatMap((destination) => [
      { source, destination, protocol: 'other' as const, port: 0 },
      ...(['TCP', 'UDP', 'SCTP'] as const).flatMap((protocol) =>
        portPool.slice(0, 2).map((port) => ({ source, destination, protocol, port })),
      ),
    ]),
);

const packets: readonly (readonly [string, Packet])[] = [
  ['the first packet of a flow', {}],
  ['a packet in the middle of a stream', { isMiddle: true }],
  ['one of those when no more of them are recorded', { isMiddle: true, full: 'picked' }],
  ['a packet when no more relations are known to be told of', { full: 'reported' }],
  ['a packet when the verdict cache is full', { full: 'cache' }],
];

describe.each<RenderOptions>([
  { established: 'cut' },
  { established: 'cut', audit },
  { established: 'cut', audit, listsTried: 0 },
])('dry runs and recorded allows, %j', (how) => {
  test.each(packets)('drop nothing and open nothing: %s', (_, packet) => {
    fc.assert(
      fc.property(tried, (start) => {
        const [dry, plain] = [start, enforcedOnly(start)].map(
          (one) => new Interpreter(render(compile(one, scope), how)),
        );
        for (const flow of flows)
          expect({ flow, allowed: dry?.allows(flow, packet) }).toEqual({ flow, allowed: plain?.allows(flow, packet) });
      }),
      runs,
    );
  });

  test('tell of a flow that has ports once: of its later packets only denials', () => {
    fc.assert(
      fc.property(tried, (start) => {
        const kernel = new Interpreter(render(compile(start, scope), how));
        for (const flow of flows.filter(({ protocol }) => protocol !== 'other')) {
          const first = kernel.walk(flow);
          const later = kernel.walk(flow, { isLater: true });
          const denials = first.logged.filter((chain) => chain.startsWith('deny-'));
          expect({ flow, ...later }).toMatchObject({ flow, allowed: first.allowed, logged: denials });
        }
      }),
      runs,
    );
  });

  test('leave what counts as isolated to what is enforced', () => {
    fc.assert(
      fc.property(tried, (start) => {
        const program = compile(start, scope);
        const { sets } = render(program, how);
        for (const endpoint of program.endpoints.values())
          for (const direction of directions)
            for (const address of endpoint.addresses)
              expect(sets.get(setName.isolated(direction, familyOf(address)))?.elements.has(address)).toBe(
                endpoint[direction].kind === 'isolated',
              );
      }),
      runs,
    );
  });
});
