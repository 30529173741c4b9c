/** Input that is too large, or made to collide, on packets: never open, never a stuck agent, always named. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import { Lab, labNode } from '../support/lab/lab.js';
import type { Outcome } from '../support/lab/prober.js';
import { describePackets } from '../support/lab/requirements.js';
import { problemsOf } from '../support/schemas.js';
import { app } from './three-pods.js';

interface Failing {
  readonly name: string;
  readonly reasons: readonly string[];
}

interface Case {
  readonly objects: readonly Manifest[];
  /** From client and other to the server's port 80, and from client to its port 81. */
  readonly outcomes: readonly [Outcome, Outcome, Outcome];
  /** What is said of a policy that fails closed; undefined: none does. */
  readonly failing?: RegExp;
  readonly over?: RegExp;
}

const hosts = { client: 11, other: 12, server: 13 } as const;
const [allowed, blocked] = ['allowed', 'blocked'] as const;
const closed = [blocked, blocked, blocked] as const;
const onlyClient = [allowed, blocked, allowed] as const;

const numbered = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
/** A name may have dots. */
const named = (name: string, manifest: Manifest): Manifest => ({
  ...manifest,
  metadata: { ...manifest.metadata, name },
});
const ofServer = (rule: object, name = 'server'): Manifest =>
  named(name, policy('p.x', { podSelector: app('server'), ingress: [rule] }));
const block = (cidr: string): object => ({ ipBlock: { cidr } });
const clientBlock = block('10.244.1.11/32');
const blocks = (count: number): object[] => numbered(count, (index) => block(`192.0.2.${index}/32`));

/** A rule that allows the client's pods, in so many bytes. */
function largeRule(bytes: number): object {
  const value = (index: number): string => `${'v'.repeat(55)}${10_000 + index}`;
  const values = ['client', ...numbered(Math.floor(bytes / 63), value)];
  return { from: [{ podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values }] } }] };
}

/** Names that differ in their last character only, beyond what fits into a name or a comment of nft. */
const longName = (last: string): string => `${'a.b-9'.repeat(50)}c${last}`;

const cases: Readonly<Record<string, Case>> = {
  'a policy at its limit': {
    objects: [ofServer({ from: [clientBlock, ...blocks(49)] })],
    outcomes: onlyClient,
  },
  'a policy one past its limit': {
    objects: [ofServer({ from: [clientBlock, ...blocks(50)] })],
    outcomes: closed,
    failing: /^spec\.ingress\[0\]\.from: 51 CIDR ranges .*--max-policy-cidrs/,
  },
  'a policy of nearly 1 MiB': { objects: [ofServer(largeRule(1_000_000))], outcomes: onlyClient },
  'a policy of more than 1 MiB': {
    objects: [ofServer(largeRule(1_100_000))],
    outcomes: closed,
    failing: /bytes.*--max-policy-bytes/,
  },
  'a policy that is wrong at 20,000 places': {
    objects: [ofServer({ from: [clientBlock], ports: numbered(20_000, () => ({ port: 'not a name' })) })],
    outcomes: closed,
    failing: /^spec\.ingress\[0\]\.ports\[0\].*and \d+ more$/,
  },
  'names that differ where nft has no room': {
    objects: [
      ofServer({ from: [clientBlock] }, longName('1')),
      ofServer({ from: [{ podSelector: app('other') }], ports: [{ port: 81 }] }, longName('2')),
    ],
    outcomes: onlyClient,
  },
  'a label that every object of JavaScript inherits': {
    objects: [
      ofServer({ from: [{ podSelector: { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] } }] }),
    ],
    outcomes: closed,
  },
  'a named port with 1,000 numbers': {
    objects: [
      policy('named.x', {
        podSelector: app('client'),
        policyTypes: ['Egress'],
        egress: [{ ports: [{ port: 'web' }] }],
      }),
      ...numbered(1000, (index) =>
        pod(`far-${index}.x`, {
          node: 'n2',
          addresses: [`10.99.${index >> 8}.${index & 255}`],
          ports: [{ name: 'web', port: 81 + index }],
        }),
      ),
    ],
    outcomes: [allowed, allowed, blocked],
  },
  'as many policies on one pod as may be': {
    objects: numbered(20, (index) => ofServer({ from: index === 19 ? [clientBlock] : blocks(1) }, `p${10 + index}`)),
    outcomes: onlyClient,
  },
  'one policy more: the youngest allows nothing': {
    objects: numbered(21, (index) =>
      ofServer({ from: index === 20 ? [{ podSelector: app('other') }] : [clientBlock] }, `p${10 + index}`),
    ),
    outcomes: onlyClient,
    over: /21 policies that select the pod.*--max-pod-policies/,
  },
};

describePackets('bad input', () => {
  let lab: Lab;
  let agent: AgentProcess;
  const write = (objects: readonly Manifest[]): Promise<void> =>
    lab.writeManifests(join(lab.folder, 'manifests'), {
      cluster: [
        node('n1'),
        namespace('x'),
        ...Object.entries(hosts).map(([name, host]) =>
          pod(`${name}.x`, {
            host,
            labels: { app: name },
            ports: name === 'server' ? [{ name: 'web', port: 80 }] : [],
          }),
        ),
        ...objects,
      ],
    });
  const outcomes = (): Promise<readonly Outcome[]> =>
    lab.prober.probe(
      (
        [
          ['client', 80],
          ['other', 80],
          ['client', 81],
        ] as const
      ).map(([name, port]) => ({
        from: lab.netns(`${name}.x`),
        to: '10.244.1.13',
        port,
        protocol: 'TCP' as const,
      })),
      200,
    );
  const come = async (expected: readonly Outcome[]): Promise<void> => {
    const deadline = performance.now() + 15_000;
    while ((await outcomes()).join() !== expected.join() && performance.now() < deadline);
    expect(await outcomes()).toEqual(expected);
  };

  beforeAll(async () => {
    lab = await Lab.create([labNode(1)]);
    for (const [name, host] of Object.entries(hosts))
      await lab.addPod({ namespace: 'x', name, node: 'n1', addresses: [`10.244.1.${host}`, `fd00:10:244:1::${host}`] });
    for (const port of [80, 81]) lab.prober.serve(lab.netns('server.x'), port, 'TCP');
    await write([]);
    agent = await lab.startAgent('n1', {
      manifests: join(lab.folder, 'manifests'),
      limits: 'enforce',
      'max-policy-cidrs': '50',
      'max-pod-policies': '20',
      'max-policy-ports': '100000',
    });
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test.each(Object.entries(cases))(
    '%s',
    async (_, { objects, outcomes: expected, failing, over }) => {
      await write([]);
      await come([allowed, allowed, allowed]);
      await write(objects);
      await come(expected);
      const status = await agent.status();
      expect(problemsOf('status', status)).toEqual([]);
      expect(status).toMatchObject({ ready: true, failures: 0 });
      const closedOnes = status['failing'] as readonly Failing[];
      expect(closedOnes.map(({ name }) => name)).toEqual(failing === undefined ? [] : ['server']);
      if (failing !== undefined) expect(closedOnes[0]?.reasons.join('; ')).toMatch(failing);
      expect(closedOnes[0]?.reasons.length ?? 0).toBeLessThanOrEqual(21);
      const pods = (status['overLimits'] as readonly { of: string; message: string }[]).filter(
        ({ of }) => of === 'pod',
      );
      expect(pods.map(({ message }) => message)).toEqual(over === undefined ? [] : [expect.stringMatching(over)]);
    },
    40_000,
  );
});
