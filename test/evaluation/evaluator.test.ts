import { describe, expect, test } from '@jest/globals';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import type { AddressEndpoint, WorkloadEndpoint } from '../../src/evaluation/flow-endpoints.js';
import type { Flow } from '../../src/evaluation/types.js';
import { verdictOf } from '../../src/evaluation/verdicts.js';
import type { PolicyProgram } from '../../src/program/types.js';
import { address, anyone, anyPort, cidr, endpoint, program, range, rule, workload } from './programs.js';

const [client, server, host] = [address('10.0.0.1'), address('10.0.0.2'), address('172.30.0.1')];
const tcp = (source: string, destination: string, port = 80): Flow => ({
  source: address(source),
  destination: address(destination),
  protocol: 'TCP',
  port,
});
const isolated = (...rules: readonly ReturnType<typeof rule>[]) => ({ isolated: true, rules });

/** A client and a server on one node, each isolated as given. */
const pair = (
  egress: ReturnType<typeof isolated> | undefined,
  ingress: ReturnType<typeof isolated> | undefined,
  more: Partial<Pick<PolicyProgram, 'nodes' | 'unknown'>> = {},
): Evaluator =>
  new Evaluator(
    program({
      endpoints: [
        endpoint('client', [client], { egress }),
        endpoint('server', [server, address('fd00::2')], { ingress }),
      ],
      nodes: new Map([['n1', [host]]]),
      ...more,
    }),
  );

describe('the order of evaluation', () => {
  test('a pod reaches itself, over each of its addresses, whatever isolates it', () => {
    const everything = program({
      endpoints: [endpoint('server', [server, address('fd00::2')], { ingress: isolated(), egress: isolated() })],
    });
    const evaluator = new Evaluator(everything);
    for (const own of [server, address('fd00::2')]) {
      const { allowed, reasons } = evaluator.evaluate(tcp(own, own));
      expect([allowed, reasons.map(({ kind }) => kind)]).toEqual([true, ['itself', 'itself']]);
    }
  });

  test('the own node comes before isolation, in both directions; another node is like any host', () => {
    const evaluator = pair(isolated(), isolated());
    expect(evaluator.evaluate(tcp(host, server)).reasons.map(({ kind }) => kind)).toEqual(['notEnforced', 'ownNode']);
    expect(evaluator.evaluate(tcp(client, host)).reasons.map(({ kind }) => kind)).toEqual(['ownNode', 'notEnforced']);
    const elsewhere = pair(isolated(), isolated(), { nodes: new Map([['n2', [host]]]) });
    expect([elsewhere.evaluate(tcp(host, server)).allowed, elsewhere.evaluate(tcp(client, host)).allowed]).toEqual([
      false,
      false,
    ]);
  });

  test('the nodes of an address endpoint count beside those of the program', () => {
    const evaluator = new Evaluator(
      program({ endpoints: [endpoint('w', [address('workload:x/Pod/w')], { ingress: isolated() })] }),
    );
    const one = workload('x/Pod/w', { pods: [{ name: 'w', node: 'n1', addresses: [server] }] });
    const [pod] = one.pods;
    if (pod === undefined) throw new Error('no pod');
    const node: AddressEndpoint = { kind: 'address', address: host, nodes: ['n1'] };
    const ingressOf = (own: WorkloadEndpoint) => evaluator.verdict(own, node, { family: 'IPv4', direction: 'ingress' });
    expect(ingressOf({ kind: 'workload', workload: one, pod })).toEqual({ kind: 'ownNode' });
    // Which of the pods is asked about is not said: any may be on another node.
    expect(ingressOf({ kind: 'workload', workload: one })).toMatchObject({ kind: 'isolated' });
  });

  test('unknown pods are denied in both directions, but for their own node', () => {
    const unknown = { ranges: [cidr('10.0.0.0/8')], known: new Set([client, server]) };
    const evaluator = pair(undefined, undefined, { unknown });
    expect(evaluator.evaluate(tcp('10.0.0.99', server))).toEqual({
      allowed: false,
      reasons: [{ direction: 'egress', kind: 'unknownPod' }],
    });
    expect(evaluator.evaluate(tcp(client, '10.0.0.99')).allowed).toBe(false);
    expect(evaluator.evaluate(tcp(host, '10.0.0.99')).allowed).toBe(true);
    expect(evaluator.evaluate(tcp('192.0.2.1', server)).allowed).toBe(true);
    // With several nodes nobody knows whose pod it is.
    const nodes = new Map([
      ['n1', [host]],
      ['n2', [address('172.30.0.2')]],
    ]);
    expect(pair(undefined, undefined, { unknown, nodes }).evaluate(tcp(host, '10.0.0.99')).allowed).toBe(false);
  });

  test('egress of the source and ingress of the destination must both allow, and a denial names who denies', () => {
    const open = rule(anyone, anyPort, { policy: 'allow' });
    const reasons = (egress: ReturnType<typeof isolated>, ingress: ReturnType<typeof isolated>) =>
      pair(egress, ingress).evaluate(tcp(client, server));
    expect(reasons(isolated(open), isolated(open)).reasons.map(({ direction, kind }) => [direction, kind])).toEqual([
      ['egress', 'allowedBy'],
      ['ingress', 'allowedBy'],
    ]);
    expect(reasons(isolated(), isolated(open))).toMatchObject({
      allowed: false,
      reasons: [{ direction: 'egress', kind: 'isolatedBy', policies: [{ name: 'p' }] }],
    });
    expect(reasons(isolated(open), isolated())).toMatchObject({
      allowed: false,
      reasons: [{ direction: 'ingress', kind: 'isolatedBy' }],
    });
    expect(reasons(isolated(), isolated()).reasons).toHaveLength(2);
  });

  test('directions that allow different ports allow nothing together, though neither denies everything', () => {
    const evaluator = pair(isolated(rule(anyone, range(80))), isolated(rule(anyone, range(81))));
    const [from, to] = [client, server].map((one): AddressEndpoint => ({ kind: 'address', address: one }));
    if (from === undefined || to === undefined) throw new Error('no endpoints');
    expect(evaluator.allowance(from, to, 'IPv4').ports).toEqual([]);
    expect(evaluator.evaluate(tcp(client, server, 80)).allowed).toBe(false);
    // Without a port: what each direction allows is the reason.
    expect(verdictOf(evaluator.verdicts(from, to, 'IPv4'), undefined)).toMatchObject({
      allowed: false,
      reasons: [{ kind: 'allowedBy' }, { kind: 'allowedBy' }],
    });
  });

  test('what has no ports passes only rules that name none', () => {
    const icmp = { source: client, destination: server, protocol: 'other', port: 0 } as const;
    expect(pair(undefined, isolated(rule(anyone, anyPort))).evaluate(icmp).allowed).toBe(true);
    expect(pair(undefined, isolated(rule(anyone, range(0, 65535)))).evaluate(icmp).allowed).toBe(false);
  });

  test('all rules that allow are named, in the order of the policies', () => {
    const rules = [
      rule(anyone, range(80), { index: 0 }),
      rule(anyone, range(81), { index: 1 }),
      rule(anyone, anyPort, { index: 2 }),
    ];
    const { reasons } = pair(undefined, isolated(...rules)).evaluate(tcp(client, server));
    expect(reasons[1]).toMatchObject({ kind: 'allowedBy', rules: [{ rule: 0 }, { rule: 2 }] });
  });
});

describe('two pods of one workload', () => {
  const group = workload('x/Deployment/w', {
    pods: [
      { name: 'a', node: 'n1', addresses: [client] },
      { name: 'b', node: 'n1', addresses: [server] },
    ],
  });
  const [a, b] = group.pods.map((pod): WorkloadEndpoint => ({ kind: 'workload', workload: group, pod }));
  const evaluator = new Evaluator(
    program({ endpoints: [endpoint('w', [address('workload:x/Deployment/w')], { ingress: isolated() })] }),
  );
  const way = { family: 'IPv4', direction: 'ingress' } as const;

  test('are not one and the same, though the program has one endpoint for both', () => {
    if (a === undefined || b === undefined) throw new Error('no pods');
    expect(evaluator.verdict(a, a, way)).toEqual({ kind: 'itself' });
    expect(evaluator.verdict(a, b, way)).toMatchObject({ kind: 'isolated', rules: [] });
    const any: WorkloadEndpoint = { kind: 'workload', workload: group };
    expect(evaluator.verdict(any, any, way)).toMatchObject({ kind: 'isolated' });
  });
});

test('a rule list that is not there is a fault of the program, not an open door', () => {
  const broken = program({ endpoints: [endpoint('server', [server], { ingress: isolated(rule(anyone, anyPort)) })] });
  const evaluator = new Evaluator({ ...broken, ruleLists: new Map() });
  expect(() => evaluator.evaluate(tcp(client, server))).toThrow('no rule list');
});
