/** Corner cases of NetworkPolicy: what upstream's suite does not ask. Run by evaluation, the oracle and the kernel alike. */
import {
  allow,
  deny,
  namespace,
  node,
  nodeAddresses,
  outside,
  pod,
  podAddresses,
  policy,
  type PodOptions,
} from './objects.js';
import type { Case, Cell, Changes, Manifest, Step } from './types.js';
import { unionCases } from './union-cases.js';

type Peers = readonly object[];
const all = {};
const app = (name: string): object => ({ matchLabels: { app: name } });
const toServer = { podSelector: app('server') };
const fromClients = { podSelector: app('client') };
const http = [{ protocol: 'TCP', port: 80 }];

const serverOptions: PodOptions = {
  node: 'n2',
  host: 12,
  labels: { app: 'server', empty: '' },
  ports: [
    { name: 'http', port: 80 },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ],
};

/** A client and a server in x, on two nodes, and a client in y. */
const objects = (...more: readonly Manifest[]): readonly Manifest[] => [
  node('n1'),
  node('n2'),
  namespace('x', { team: 'x' }),
  namespace('y', { team: 'y' }),
  pod('client.x', { host: 11, labels: { app: 'client' } }),
  pod('server.x', serverOptions),
  pod('client.y', { host: 13, labels: { app: 'client' } }),
  ...more,
];

const step = (changes: Changes | undefined, ...expect: readonly (readonly Cell[])[]): Step => ({
  ...(changes === undefined ? {} : { changes }),
  expect: expect.flat(),
});
const withPolicies = (...policies: readonly Manifest[]): readonly Manifest[] => objects(...policies);
const steady = (
  policies: readonly Manifest[],
  ...expect: readonly (readonly Cell[])[]
): Pick<Case, 'objects' | 'steps'> => ({
  objects: withPolicies(...policies),
  steps: [step(undefined, ...expect)],
});
const ingressFrom = (from: Peers, more: object = {}): object => ({ ...toServer, ingress: [{ from, ...more }] });
const block = (cidr: string, ...except: readonly string[]): object => ({
  ipBlock: { cidr, ...(except.length === 0 ? {} : { except }) },
});

const both = ['client.x > server.x TCP 80', 'client.y > server.x TCP 80'];
const server6 = podAddresses('n2', 12, 'IPv6')[0] ?? '';
const client4 = podAddresses('n1', 11, 'IPv4')[0] ?? '';

/** The checklist of the semantics document, in its order and with its numbers. */
const checklist: readonly Omit<Case, 'id'>[] = [
  { title: 'no policy', ...steady([], allow(...both, 'server.x > client.x TCP 80')) },
  {
    title: 'policyTypes omitted, no rules: ingress is isolated, egress is not',
    ...steady([policy('p.x', toServer)], deny(...both), allow('server.x > client.y TCP 80')),
  },
  {
    title: 'policyTypes omitted, one empty egress rule: ingress is isolated all the same',
    ...steady([policy('p.x', { ...toServer, egress: [{}] })], deny(...both), allow('server.x > client.y TCP 80')),
  },
  {
    title: 'policyTypes Egress alone: ingress rules are ignored',
    ...steady(
      [policy('p.x', { ...toServer, policyTypes: ['Egress'], ingress: [{ from: [{ podSelector: app('nobody') }] }] })],
      allow(...both),
      deny('server.x > client.y TCP 80'),
    ),
  },
  {
    title: 'policyTypes and egress empty: as if they were omitted',
    ...steady(
      [policy('p.x', { ...toServer, policyTypes: [], egress: [] })],
      deny(...both),
      allow('server.x > client.y TCP 80'),
    ),
  },
  {
    title: 'an allow-all beside a deny-all: the union',
    ...steady([policy('all.x', { ...toServer, ingress: [{}] }), policy('none.x', toServer)], allow(...both)),
  },
  {
    title: 'from empty, and from absent: any source',
    objects: withPolicies(policy('p.x', { ...toServer, ingress: [{ from: [], ports: http }] })),
    steps: [
      step(undefined, allow(...both), deny('client.x > server.x TCP 81')),
      step(
        { apply: [policy('p.x', { ...toServer, ingress: [{ ports: http }] })] },
        allow(...both),
        deny('client.x > server.x TCP 81'),
      ),
    ],
  },
  {
    title: 'an empty port is every TCP port, and no other protocol',
    ...steady(
      [policy('p.x', { ...toServer, ingress: [{ ports: [{}] }] })],
      allow('client.x > server.x TCP 80', 'client.x > server.x TCP 65535'),
      deny('client.x > server.x UDP 80', 'client.x > server.x SCTP 80', 'client.x > server.x ICMP'),
    ),
  },
  {
    title: 'a protocol alone is each of its ports',
    ...steady(
      [policy('p.x', { ...toServer, ingress: [{ ports: [{ protocol: 'UDP' }] }] })],
      allow('client.x > server.x UDP 80', 'client.x > server.x UDP 9999'),
      deny('client.x > server.x TCP 80'),
    ),
  },
  {
    title: 'NotIn selects pods without the key',
    ...steady(
      [policy('p.x', { podSelector: { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['front'] }] } })],
      deny('client.y > server.x TCP 80', 'client.y > client.x TCP 80'),
    ),
  },
  {
    title: 'DoesNotExist does not select a label that is present and empty; Exists does',
    objects: withPolicies(
      policy('p.x', { podSelector: { matchExpressions: [{ key: 'empty', operator: 'DoesNotExist' }] } }),
    ),
    steps: [
      step(undefined, allow('client.y > server.x TCP 80'), deny('client.y > client.x TCP 80')),
      step(
        { apply: [policy('p.x', { podSelector: { matchExpressions: [{ key: 'empty', operator: 'Exists' }] } })] },
        deny('client.y > server.x TCP 80'),
        allow('client.y > client.x TCP 80'),
      ),
    ],
  },
  {
    title: 'a podSelector peer is of the own namespace',
    ...steady([policy('p.x', ingressFrom([{ podSelector: all }]))], allow(both[0] ?? ''), deny(both[1] ?? '')),
  },
  {
    title: 'every namespace does not reach outside the cluster',
    ...steady(
      [policy('p.x', ingressFrom([{ namespaceSelector: all }]))],
      allow(...both),
      deny(`${outside.IPv4} > server.x TCP 80`, `${outside.IPv6} > server.x TCP 80`),
    ),
  },
  {
    title: 'a named port of another protocol',
    ...steady(
      [policy('p.x', { ...toServer, ingress: [{ ports: [{ protocol: 'TCP', port: 'dns' }] }] })],
      deny('client.x > server.x TCP 53', 'client.x > server.x UDP 53'),
    ),
  },
  {
    title: 'a named port with another number on each pod',
    objects: objects(
      pod('second.x', { node: 'n2', host: 14, labels: { app: 'server' }, ports: [{ name: 'http', port: 8080 }] }),
      policy('p.x', { ...toServer, ingress: [{ ports: [{ port: 'http' }] }] }),
    ),
    steps: [
      step(
        undefined,
        allow('client.x > server.x TCP http', 'client.x > second.x TCP http'),
        deny('client.x > server.x TCP 8080', 'client.x > second.x TCP 80'),
      ),
    ],
  },
  {
    title: 'a named port that moves when its pod is made anew',
    objects: withPolicies(policy('p.x', { ...toServer, ingress: [{ ports: [{ port: 'http' }] }] })),
    steps: [
      step(undefined, allow('client.x > server.x TCP 80'), deny('client.x > server.x TCP 8080')),
      step(
        { apply: [pod('server.x', { ...serverOptions, uid: 'again', ports: [{ name: 'http', port: 8080 }] })] },
        allow('client.x > server.x TCP 8080'),
        deny('client.x > server.x TCP 80'),
      ),
    ],
  },
  {
    title: 'a named port towards addresses outside: isolated, and nothing matches',
    ...steady(
      [
        policy('p.x', {
          podSelector: app('client'),
          policyTypes: ['Egress'],
          egress: [{ to: [block('192.0.2.0/24'), block('2001:db8::/64')], ports: [{ port: 'http' }] }],
        }),
      ],
      deny(`client.x > ${outside.IPv4} TCP 80`, `client.x > ${outside.IPv6} TCP 80`),
    ),
  },
  {
    title: 'a range of one port',
    ...steady(
      [policy('p.x', { ...toServer, ingress: [{ ports: [{ port: 80, endPort: 80 }] }] })],
      allow('client.x > server.x TCP 80'),
      deny('client.x > server.x TCP 81', 'client.x > server.x TCP 79'),
    ),
  },
  {
    title: 'what one policy excepts another may allow',
    objects: withPolicies(policy('wide.x', ingressFrom([block('10.244.0.0/16', `${client4}/32`)]))),
    steps: [
      step(undefined, deny('client.x > server.x TCP 80 IPv4'), allow('client.y > server.x TCP 80 IPv4')),
      step(
        { apply: [policy('one.x', ingressFrom([block(`${client4}/32`)]))] },
        allow('client.x > server.x TCP 80 IPv4'),
      ),
    ],
  },
  {
    title: 'a block of one family says nothing about the other',
    ...steady(
      [policy('p.x', ingressFrom([block('0.0.0.0/0')]))],
      allow('client.x > server.x TCP 80 IPv4'),
      deny('client.x > server.x TCP 80 IPv6'),
    ),
  },
  {
    title: 'replies of a server that may open nothing itself',
    ...steady(
      [policy('p.x', { ...toServer, policyTypes: ['Egress'] })],
      allow('client.x > server.x TCP 80', 'client.x > server.x UDP 53', 'client.x > server.x ICMP'),
      deny('server.x > client.x TCP 80'),
    ),
  },
  {
    title: 'the own node reaches an isolated pod, another node does not',
    ...steady(
      [policy('p.x', toServer)],
      allow('node:n2 > server.x TCP 80', 'node:n2 > server.x ICMP'),
      deny('node:n1 > server.x TCP 80'),
    ),
  },
  {
    title: 'the own node is known by its pods, too, where its Node object has no address',
    objects: [
      ...objects().filter(({ kind, metadata }) => kind !== 'Node' || metadata.name !== 'n2'),
      { ...node('n2'), status: {} },
      pod('server.x', { ...serverOptions, hostIPs: nodeAddresses('n2') }),
      policy('p.x', toServer),
    ],
    steps: [
      step(
        undefined,
        nodeAddresses('n2').flatMap((one) => allow(`${one} > server.x TCP 80`)),
        nodeAddresses('n1').flatMap((one) => deny(`${one} > server.x TCP 80`)),
      ),
      step(
        {
          apply: [
            pod('server.x', { ...serverOptions, uid: 'again' }),
            pod('other.y', { node: 'n2', host: 13, hostIPs: nodeAddresses('n2') }),
          ],
        },
        nodeAddresses('n2').flatMap((one) => allow(`${one} > server.x TCP 80`)),
      ),
    ],
  },
  {
    title: 'a pod reaches itself under deny-all',
    ...steady(
      [policy('p.x', { podSelector: all, policyTypes: ['Ingress', 'Egress'] })],
      allow('server.x > server.x TCP 80'),
      deny(...both),
    ),
  },
  {
    title: 'a hostNetwork pod is no peer: only its node is, by address, or as the own node',
    objects: objects(
      pod('agent.x', { node: 'n1', hostNetwork: true, labels: { app: 'client' } }),
      policy('p.x', ingressFrom([fromClients])),
    ),
    steps: [
      step(
        undefined,
        allow('client.x > server.x TCP 80', 'node:n2 > server.x TCP 80'),
        deny('node:n1 > server.x TCP 80'),
      ),
      step(
        {
          apply: [
            policy(
              'nodes.x',
              ingressFrom(nodeAddresses('n1').map((one) => block(`${one}/${one.includes(':') ? 128 : 32}`))),
            ),
          ],
        },
        allow('node:n1 > server.x TCP 80'),
      ),
    ],
  },
  {
    title: "a finished pod's address in the hands of another",
    objects: withPolicies(policy('p.x', ingressFrom([fromClients]))),
    steps: [
      step(undefined, allow('client.x > server.x TCP 80')),
      step(
        {
          apply: [
            pod('client.x', { host: 11, labels: { app: 'client' }, phase: 'Succeeded' }),
            pod('stranger.x', { host: 11, labels: { app: 'stranger' }, created: '2026-01-02T00:00:00Z' }),
          ],
        },
        deny('stranger.x > server.x TCP 80'),
      ),
    ],
  },
  {
    title: 'labels of namespaces and pods, policies updated and deleted: verdicts change both ways',
    objects: withPolicies(policy('p.x', ingressFrom([{ namespaceSelector: { matchLabels: { team: 'y' } } }]))),
    steps: [
      step(undefined, deny(both[0] ?? ''), allow(both[1] ?? '')),
      step(
        { apply: [namespace('y', { team: 'z' }), namespace('x', { team: 'y' })] },
        allow(both[0] ?? ''),
        deny(both[1] ?? ''),
      ),
      step({ apply: [policy('p.x', ingressFrom([{ podSelector: app('worker') }]))] }, deny(...both)),
      step({ apply: [pod('client.x', { host: 11, labels: { app: 'worker' } })] }, allow(both[0] ?? '')),
      step({ apply: [pod('client.x', { host: 11, labels: { app: 'client' } })] }, deny(...both)),
      step({ remove: [{ kind: 'NetworkPolicy', namespace: 'x', name: 'p' }] }, allow(...both)),
    ],
  },
  {
    title: 'SCTP alone',
    ...steady(
      [policy('p.x', { ...toServer, ingress: [{ ports: [{ protocol: 'SCTP', port: 80 }] }] })],
      allow('client.x > server.x SCTP 80'),
      deny('client.x > server.x TCP 80', 'client.x > server.x UDP 80'),
    ),
  },
  {
    title: 'UDP replies without a handshake',
    ...steady(
      [
        policy('p.x', { podSelector: all, policyTypes: ['Ingress', 'Egress'], ingress: [{}] }),
        policy('q.x', {
          podSelector: app('client'),
          policyTypes: ['Egress'],
          egress: [{ ports: [{ protocol: 'UDP', port: 53 }] }],
        }),
      ],
      allow('client.x > server.x UDP 53'),
      deny('server.x > client.x UDP 53'),
    ),
  },
  {
    title: 'allowed by one end only',
    objects: withPolicies(
      policy('out.x', { podSelector: app('client'), policyTypes: ['Egress'], egress: [{ to: [toServer] }] }),
      policy('in.x', toServer),
    ),
    steps: [
      step(undefined, deny('client.x > server.x TCP 80')),
      step(
        {
          apply: [
            policy('out.x', { podSelector: app('client'), policyTypes: ['Egress'] }),
            policy('in.x', { ...toServer, ingress: [{}] }),
          ],
        },
        deny('client.x > server.x TCP 80'),
        allow('client.y > server.x TCP 80'),
      ),
    ],
  },
  {
    title: 'from a namespace without policies only ingress is evaluated',
    ...steady(
      [policy('p.x', ingressFrom([{ namespaceSelector: { matchLabels: { team: 'y' } }, ...fromClients }]))],
      allow('client.y > server.x TCP 80', 'server.x > client.y TCP 80'),
      deny('client.x > server.x TCP 80'),
    ),
  },
];

/** `0.0.0.0/0` without 30 networks, none of which touches another. */
const thirtyExcepts = Array.from({ length: 30 }, (_, index) => `10.244.1.${index * 8 + 11}/32`);
const longName = `${'long-'.repeat(12)}end`;
const longest = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;

/** What planted faults and other agents' bugs taught. */
const lessons: readonly Omit<Case, 'id'>[] = [
  {
    title: 'NotIn and Exists among peers',
    ...steady(
      [
        policy(
          'p.x',
          ingressFrom([
            {
              podSelector: {
                matchExpressions: [
                  { key: 'role', operator: 'NotIn', values: ['admin'] },
                  { key: 'app', operator: 'Exists' },
                ],
              },
            },
          ]),
        ),
      ],
      allow(both[0] ?? ''),
      deny(both[1] ?? ''),
    ),
  },
  {
    title: 'a pod that moves to another node and keeps its labels',
    objects: withPolicies(policy('p.x', ingressFrom([fromClients]))),
    steps: [
      step(undefined, allow('client.x > server.x TCP 80')),
      step(
        {
          apply: [
            pod('client.x', { host: 11, labels: { app: 'client' }, phase: 'Failed' }),
            pod('client-again.x', { node: 'n2', host: 15, labels: { app: 'client' } }),
          ],
        },
        allow('client-again.x > server.x TCP 80'),
      ),
    ],
  },
  {
    title: 'a pod that gains its second family late',
    objects: [
      node('n1'),
      node('n2'),
      namespace('x'),
      pod('client.x', { host: 11, labels: { app: 'client' } }),
      pod('server.x', { ...serverOptions, addresses: podAddresses('n2', 12, 'IPv4') }),
      policy('p.x', toServer),
    ],
    steps: [
      step(undefined, deny('client.x > server.x TCP 80 IPv4')),
      step(
        { apply: [pod('server.x', serverOptions)] },
        deny('client.x > server.x TCP 80 IPv4', `client.x > ${server6} TCP 80`),
      ),
    ],
  },
  {
    title: 'a peer in a namespace that comes after the policy',
    objects: withPolicies(policy('p.x', ingressFrom([{ namespaceSelector: { matchLabels: { team: 'late' } } }]))),
    steps: [
      step(undefined, deny(...both)),
      step(
        { apply: [namespace('late', { team: 'late' }), pod('client.late', { host: 16 })] },
        allow('client.late > server.x TCP 80'),
        deny(...both),
      ),
    ],
  },
  {
    title: 'a policy deleted and made again with another meaning at once',
    objects: withPolicies(policy('p.x', ingressFrom([fromClients]))),
    steps: [
      step(undefined, allow(both[0] ?? ''), deny(both[1] ?? '')),
      step(
        {
          remove: [{ kind: 'NetworkPolicy', namespace: 'x', name: 'p' }],
          apply: [policy('p.x', ingressFrom([{ namespaceSelector: { matchLabels: { team: 'y' } } }]))],
        },
        deny(both[0] ?? ''),
        allow(both[1] ?? ''),
      ),
    ],
  },
  {
    title: 'names of 63 and 253 characters that differ at their end',
    objects: [
      node('n1'),
      node('n2'),
      namespace(longName),
      pod(`client.${longName}`, { host: 11, labels: { app: 'client' } }),
      pod(`server.${longName}`, serverOptions),
      ...['x', 'y'].map((end, index) => ({
        ...policy(`p.${longName}`, { ...toServer, ingress: [{ ports: [{ port: 80 + index }] }] }),
        metadata: { name: `${longest.slice(0, 252)}${end}`, namespace: longName },
      })),
    ],
    steps: [
      step(
        undefined,
        allow(`client.${longName} > server.${longName} TCP 80`, `client.${longName} > server.${longName} TCP 81`),
        deny(`client.${longName} > server.${longName} TCP 82`),
      ),
    ],
  },
  {
    title: 'a block that excepts split into thirty pieces and more',
    ...steady(
      [policy('p.x', ingressFrom([block('0.0.0.0/0', ...thirtyExcepts)]))],
      deny('client.x > server.x TCP 80 IPv4'),
      allow('client.y > server.x TCP 80 IPv4', `${outside.IPv4} > server.x TCP 80`),
    ),
  },
  {
    title: 'everything but the pods',
    ...steady(
      [policy('p.x', ingressFrom([block('0.0.0.0/0', '10.244.0.0/16'), block('::/0', 'fd00:10:244::/48')]))],
      deny(...both),
      allow(`${outside.IPv4} > server.x TCP 80`, `${outside.IPv6} > server.x TCP 80`),
    ),
  },
  {
    title: 'a named port that two containers declare with two numbers',
    objects: [
      node('n1'),
      node('n2'),
      namespace('x'),
      pod('client.x', { host: 11 }),
      pod('server.x', {
        ...serverOptions,
        ports: [{ name: 'http', port: 80 }],
        sidecarPorts: [{ name: 'http', port: 8080 }],
      }),
      policy('p.x', { ...toServer, ingress: [{ ports: [{ port: 'http' }] }] }),
    ],
    steps: [
      step(
        undefined,
        allow('client.x > server.x TCP 80', 'client.x > server.x TCP 8080'),
        deny('client.x > server.x TCP 81'),
      ),
    ],
  },
  {
    title: 'the same port for TCP and UDP under one name',
    ...steady(
      [policy('p.x', { ...toServer, ingress: [{ ports: [{ protocol: 'UDP', port: 'dns' }] }] })],
      allow('client.x > server.x UDP dns'),
      deny('client.x > server.x TCP 53'),
    ),
  },
  {
    title: 'ports 1 to 65535 are not every protocol',
    ...steady(
      [policy('p.x', { ...toServer, ingress: [{ ports: [{ protocol: 'TCP', port: 1, endPort: 65535 }] }] })],
      allow('client.x > server.x TCP 80', 'client.x > server.x TCP 65535'),
      deny('client.x > server.x UDP 80', 'client.x > server.x ICMP'),
    ),
  },
  {
    title: 'a terminating pod is still a peer and still protected',
    objects: withPolicies(policy('p.x', ingressFrom([fromClients]))),
    steps: [
      step(
        { apply: ['client.x', 'server.x'].map(terminating) },
        allow('client.x > server.x TCP 80'),
        deny('client.y > server.x TCP 80'),
      ),
    ],
  },
  {
    title: 'policyTypes omitted, an egress rule: egress is isolated as well',
    ...steady(
      [policy('p.x', { ...toServer, egress: [{ to: [{ podSelector: app('client') }] }] })],
      deny(...both, 'server.x > client.y TCP 80'),
      allow('server.x > client.x TCP 80'),
    ),
  },
  {
    title: 'a finished pod is no peer, wherever its address still is',
    objects: withPolicies(
      policy('p.x', ingressFrom([fromClients])),
      pod('done.x', { host: 14, labels: { app: 'client' }, phase: 'Succeeded' }),
      pod('failed.x', { host: 15, labels: { app: 'client' }, phase: 'Failed' }),
    ),
    steps: [
      step(
        undefined,
        allow('client.x > server.x TCP 80'),
        deny('done.x > server.x TCP 80', 'failed.x > server.x TCP 80'),
      ),
    ],
  },
  {
    title: "an address is its living holder's, though a newer pod with it has finished",
    objects: withPolicies(
      policy('p.x', ingressFrom([fromClients])),
      pod('job.x', { host: 11, labels: { app: 'job' }, phase: 'Succeeded', created: '2026-01-02T00:00:00Z' }),
    ),
    steps: [step(undefined, allow('client.x > server.x TCP 80'), deny('client.y > server.x TCP 80'))],
  },
  ...(
    [
      ['an IPv4-mapped block is the IPv4 block', '::ffff:10.244.1.8/126'],
      ['a block with host bits is its network', '10.244.1.11/30'],
      ['leading zeros are decimal', '010.244.001.008/30'],
    ] as const
  ).map(([title, cidr]) => ({
    title,
    ...steady(
      [policy('p.x', ingressFrom([block(cidr)]))],
      allow('client.x > server.x TCP 80 IPv4'),
      deny('client.y > server.x TCP 80 IPv4', 'client.x > server.x TCP 80 IPv6'),
    ),
  })),
];

function terminating(end: string): Manifest {
  const manifest = end === 'server.x' ? pod(end, serverOptions) : pod(end, { host: 11, labels: { app: 'client' } });
  return { ...manifest, metadata: { ...manifest.metadata, deletionTimestamp: '2026-01-03T00:00:00Z' } };
}

const numbered = (prefix: string, cases: readonly Omit<Case, 'id'>[]): readonly Case[] =>
  cases.map((one, index) => ({ id: `${prefix}${index + 1}`, ...one }));

export const cornerCases: readonly Case[] = [
  ...numbered('A', checklist),
  ...numbered('B', lessons),
  ...numbered('C', unionCases),
];
