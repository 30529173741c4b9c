/** What a dry run and recorded allows may never do to a packet, and how often they record it. */
import { expect, describe, test } from '@jest/globals';
import fc from 'fast-check';
import { Compiler, compile } from '../../src/compiler/compiler.js';
import { isDryRun } from '../../src/model/policy-mode.js';
import { changesFrom, type ClusterSnapshot } from '../../src/model/cluster.js';
import { directions, type Direction } from '../../src/model/policy.js';
import { open, type Endpoint, type Isolated, type Isolation } from '../../src/program/types.js';
import { familyOf } from '../../src/model/address.js';
import type { Flow } from '../../src/evaluation/types.js';
import type { AuditRules } from '../../src/nftables/render/log-rules.js';
import { render, Renderer, type RenderOptions } from '../../src/nftables/render/renderer.js';
import { effectOf } from '../../src/program/effect.js';
import { setName } from '../../src/nftables/names/sets.js';
import { addressPool, cluster, history, portPool } from '../support/arbitrary.js';
import { cases } from '../support/seed.js';
import { Interpreter, type Packet } from './interpreter.js';
import { address, anyPort, endpoint, isolatedBy, policy, program, ruleList } from './programs.js';

const audit: AuditRules = { group: 1, pairRate: 100, pairBurst: 200, pairs: 1024, sharedRate: 1000 };
const scope = { scope: { node: 'n1' } } as const;
const runs = { numRuns: cases(40) };

/** On one node, and every other policy in a dry run. */
const partlyDryRun = cluster.map((one) => ({
  ...one,
  pods: one.pods.map((pod) => ({ ...pod, node: 'n1' })),
  policies: one.policies.map((policy, index) => (index % 2 === 0 ? policy : { ...policy, mode: 'dry-run' as const })),
}));

/** The same cluster without anything in a dry run, and without recorded allows. */
const enforcedOnly = (one: ClusterSnapshot): ClusterSnapshot => ({
  ...one,
  policies: one.policies.filter(
    (policy) =>
      !isDryRun(
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

const lets = (direction: Direction): Isolated => isolatedBy(direction, 'p') as Isolated;
const denies: Isolated = { kind: 'isolated', by: [policy('deny')], allowedBy: [] };
interface Changed {
  readonly client?: Partial<Endpoint>;
  readonly server?: Partial<Endpoint>;
}

const packets: readonly (readonly [string, Packet])[] = [
  ['the first packet of a flow', {}],
  ['a packet in the middle of a stream', { isMiddle: true }],
  ['one of those when no more of them are recorded', { isMiddle: true, full: 'mid-stream' }],
  ['a packet when no more relations fit into dry-run-reported', { full: 'dry-run-reported' }],
  ['a packet when the verdict cache is full', { full: 'cache' }],
];

describe.each<RenderOptions>([
  { established: 'reevaluate' },
  { established: 'reevaluate', audit },
  { established: 'reevaluate', audit, inlineLists: 0, inlineRules: 0 },
])('dry runs and recorded allows, %j', (how) => {
  test.each(packets)('drop nothing and open nothing: %s', (_, packet) => {
    fc.assert(
      fc.property(partlyDryRun, (start) => {
        const [dry, plain] = [start, enforcedOnly(start)].map(
          (one) => new Interpreter(render(compile(one, scope), how)),
        );
        for (const flow of flows)
          expect({ flow, allowed: dry?.allows(flow, packet) }).toEqual({ flow, allowed: plain?.allows(flow, packet) });
      }),
      runs,
    );
  });

  test('record a flow that has ports once: of its later packets only denials', () => {
    fc.assert(
      fc.property(partlyDryRun, (start) => {
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

  const isReported = how.audit !== undefined;
  test.each<[string, Changed, boolean]>([
    ['of what is only enforced is remembered', {}, true],
    ['of a client in a dry run that allows it is not', { client: { dryRun: { egress: lets('egress') } } }, false],
    ['of a client in a dry run that would deny it is not', { client: { dryRun: { egress: denies } } }, false],
    ['of a server that is in a dry run for what it sends is', { server: { dryRun: { egress: denies } } }, true],
    ['of a client whose allows are recorded is not', { client: { logsAllowed: true } }, !isReported],
    ['of a server whose allows are recorded is not', { server: { logsAllowed: true } }, !isReported],
    [
      'of a server that nothing isolates but a dry run is not, whatever isolates its client',
      { client: { egress: lets('egress') }, server: { ingress: open, dryRun: { ingress: lets('ingress') } } },
      false,
    ],
  ])('a relation %s', (_, changed, isCached) => {
    const web: Endpoint = { ...endpoint('client', ['10.0.0.1']), ...changed.client };
    const db: Endpoint = { ...endpoint('server', ['10.0.0.2'], { ingress: lets('ingress') }), ...changed.server };
    const lists = directions.map((direction) => ruleList('p', direction, { port: anyPort }));
    const kernel = new Interpreter(render(program({ endpoints: [web, db], ruleLists: lists }), how));
    const flow = { source: address('10.0.0.1'), destination: address('10.0.0.2'), protocol: 'TCP' as const, port: 80 };
    expect(kernel.walk(flow)).toMatchObject({ allowed: true, isCached });
  });

  test('what only a dry run would allow stays denied, and is recorded before its denial', () => {
    const reported: Endpoint = {
      ...endpoint('server', ['10.0.0.2'], { ingress: denies }),
      dryRun: { ingress: { ...lets('ingress'), by: [...denies.by, policy('p')] } },
    };
    const lists = [ruleList('p', 'ingress', { port: anyPort })];
    const kernel = new Interpreter(render(program({ endpoints: [reported], ruleLists: lists }), how));
    const flow = { source: address('10.0.0.1'), destination: address('10.0.0.2'), protocol: 'TCP' as const, port: 80 };
    const logged = isReported
      ? [/^dry-run-allow-in-/, /^deny-in-/].map((name): unknown => expect.stringMatching(name))
      : [];
    expect(kernel.walk(flow)).toMatchObject({ allowed: false, logged, isCached: false });
  });

  test('of an allowed flow the first packet is recorded, at each end, and no later one', () => {
    const recorded = (name: string, at: string, ingress: Isolation = open): Endpoint => ({
      ...endpoint(name, [at], { ingress }),
      logsAllowed: true,
    });
    const endpoints = [recorded('client', '10.0.0.1'), recorded('server', '10.0.0.2', lets('ingress'))];
    const lists = [{ ...ruleList('p', 'ingress', { port: anyPort }), logsAllowed: true as const }];
    const kernel = new Interpreter(render(program({ endpoints, ruleLists: lists }), how));
    const flow = { source: address('10.0.0.1'), destination: address('10.0.0.2'), protocol: 'TCP' as const, port: 80 };
    const names = ['allow-out-not-isolated', expect.stringMatching(/^allow-in-lab-p-/) as unknown];
    expect(kernel.walk(flow).logged).toEqual(isReported ? names : []);
    expect(kernel.walk(flow, { isLater: true })).toMatchObject({ allowed: true, logged: [] });
  });

  test('what is cached when a change comes that only widens is allowed after it, and not recorded', () => {
    fc.assert(
      fc.property(cluster, history, (start, steps) => {
        const compiler = new Compiler(scope);
        const renderer = new Renderer(how);
        renderer.apply(compiler.apply(changesFrom(start)));
        for (const changes of steps) {
          const kernel = new Interpreter(renderer.ruleset());
          const cached = flows.filter((flow) => kernel.walk(flow).isCached);
          const change = compiler.apply(changes);
          renderer.apply(change);
          if (effectOf(change) === 'narrows') continue;
          const after = new Interpreter(renderer.ruleset());
          for (const flow of cached)
            expect({ flow, ...after.walk(flow) }).toMatchObject({ flow, allowed: true, logged: [] });
        }
      }),
      runs,
    );
  });

  test('of a UDP flow that nobody answers only the first packet is recorded, at each end', () => {
    const endpoints = ['client', 'server'].map((name, index) => ({
      ...endpoint(name, [`10.0.0.${index + 1}`]),
      logsAllowed: true as const,
    }));
    const kernel = new Interpreter(render(program({ endpoints }), how));
    const flow = { source: address('10.0.0.1'), destination: address('10.0.0.2'), protocol: 'UDP' as const, port: 514 };
    expect(kernel.walk(flow).logged).toEqual(isReported ? ['allow-out-not-isolated', 'allow-in-not-isolated'] : []);
    const again = kernel.walk(flow, { isLater: true, isUnanswered: true });
    expect(again).toMatchObject({ allowed: true, logged: [] });
    // Where no more flows are known to be recorded, all of their packets are.
    const full = kernel.walk(flow, { full: 'allow-recorded' }).logged;
    expect(full).toEqual(isReported ? ['allow-out-not-isolated', 'allow-in-not-isolated'] : []);
  });

  test('leave what counts as isolated to what is enforced', () => {
    fc.assert(
      fc.property(partlyDryRun, (start) => {
        const compiled = compile(start, scope);
        const { sets } = render(compiled, how);
        for (const endpoint of compiled.endpoints.values())
          for (const direction of directions)
            for (const own of endpoint.addresses)
              expect(sets.get(setName.isolated(direction, familyOf(own)))?.elements.has(own)).toBe(
                endpoint[direction].kind === 'isolated',
              );
      }),
      runs,
    );
  });
});
