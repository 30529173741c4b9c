/** Rules with many peers and ports: each except narrows its own block, each name means something to pods only. */
import { allow, deny, namespace, node, pod, podAddresses, policy } from './objects.js';
import type { Case, Manifest } from './types.js';

const app = (name: string): object => ({ podSelector: { matchLabels: { app: name } } });
const block = (cidr: string, ...except: readonly string[]): object => ({
  ipBlock: { cidr, ...(except.length === 0 ? {} : { except }) },
});
const http = [{ protocol: 'TCP', port: 80 }];

const ports = [
  { name: 'http', port: 80 },
  { name: 'dns', port: 53, protocol: 'UDP' },
] as const;
const client = (labels: Readonly<Record<string, string>>): Manifest => pod('client.x', { host: 11, labels });
const objects = (...policies: readonly Manifest[]): readonly Manifest[] => [
  node('n1'),
  node('n2'),
  namespace('x'),
  client({ app: 'client' }),
  pod('other.x', { host: 13, labels: { app: 'other' }, ports }),
  pod('server.x', { node: 'n2', host: 12, labels: { app: 'server' }, ports }),
  ...policies,
];
const server = (rule: object): Manifest => policy('p.x', { ...app('server'), ingress: [rule] });

const [client4 = '', client6 = ''] = podAddresses('n1', 11);
const [other4 = '', other6 = ''] = podAddresses('n1', 13);
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

const around = [block('0.0.0.0/0', '10.244.0.0/16'), block('::/0', 'fd00:10:244::/48')];
const inside = [block('10.244.1.0/24', `${other4}/32`), block('fd00:10:244:1::/64', `${other6}/128`)];
const ofClients = [app('client'), ...numbers(10).map((index) => app(`nobody-${index}`))];

export const unionCases: readonly Omit<Case, 'id'>[] = [
  {
    title: 'what a block of a rule excepts, another block or selector of the same rule allows',
    objects: objects(server({ from: around, ports: http })),
    steps: [
      { expect: deny('client.x > server.x TCP 80', 'other.x > server.x TCP 80') },
      {
        title: 'one address of the except',
        changes: {
          apply: [server({ from: [...around, block(`${client4}/32`), block(`${client6}/128`)], ports: http })],
        },
        expect: [
          ...allow('client.x > server.x TCP 80'),
          ...deny('other.x > server.x TCP 80', 'client.x > server.x TCP 81'),
        ],
      },
      {
        title: 'a network in the except, with an except of its own',
        changes: { apply: [server({ from: [...inside, ...around], ports: http })] },
        expect: [...allow('client.x > server.x TCP 80'), ...deny('other.x > server.x TCP 80')],
      },
      {
        title: 'a pod in the inner except',
        changes: { apply: [server({ from: [...inside, ...around, app('other')], ports: http })] },
        expect: [
          ...allow('client.x > server.x TCP 80', 'other.x > server.x TCP 80'),
          ...deny('other.x > server.x TCP 81'),
        ],
      },
      {
        title: 'the pod is no longer selected',
        changes: { apply: [pod('other.x', { host: 13, labels: { app: 'another' } })] },
        expect: [...allow('client.x > server.x TCP 80'), ...deny('other.x > server.x TCP 80')],
      },
    ],
  },
  {
    title: 'in egress the names of a rule are of its pods, its numbers of its blocks too',
    objects: objects(
      policy('p.x', {
        ...app('client'),
        policyTypes: ['Egress'],
        egress: [
          {
            to: [block('10.244.1.0/28', '10.244.1.14/31'), app('server'), block(`${other6}/128`)],
            ports: [{ port: 'http' }, { port: 81 }],
          },
        ],
      }),
    ),
    steps: [
      {
        expect: [
          ...allow('client.x > server.x TCP 80', 'client.x > server.x TCP 81', 'client.x > other.x TCP 81'),
          // It has a port of that name, but is no pod to the block.
          ...deny('client.x > other.x TCP 80', 'client.x > server.x TCP 82'),
        ],
      },
    ],
  },
  {
    title: 'a rule of eleven selectors, two names and a number: a pod stays while one of them selects it',
    objects: objects(
      server({ from: ofClients, ports: [{ port: 'http' }, { protocol: 'UDP', port: 'dns' }, { port: 8080 }] }),
    ),
    steps: [
      {
        expect: [
          ...allow('client.x > server.x TCP 80', 'client.x > server.x UDP 53', 'client.x > server.x TCP 8080'),
          ...deny('client.x > server.x UDP 80', 'client.x > server.x TCP 53', 'other.x > server.x TCP 80'),
        ],
      },
      {
        title: 'another of them selects it',
        changes: { apply: [client({ app: 'nobody-7' })] },
        expect: allow('client.x > server.x TCP 80', 'client.x > server.x UDP 53'),
      },
      {
        title: 'none does',
        changes: { apply: [client({ app: 'nobody-11' })] },
        expect: deny('client.x > server.x TCP 80', 'client.x > server.x UDP 53'),
      },
    ],
  },
  {
    title: 'three hundred ports of three hundred blocks: each block on each port, and nothing between them',
    objects: objects(
      server({
        from: [
          ...numbers(298).map((index) => block(`198.18.${index % 250}.${index % 7}/32`)),
          block(`${client4}/32`),
          block(`${client6}/128`),
        ],
        ports: numbers(300).map((index) => ({ protocol: 'TCP', port: 1000 + 2 * index })),
      }),
    ),
    steps: [
      {
        expect: [
          ...allow('client.x > server.x TCP 1000', 'client.x > server.x TCP 1598'),
          ...deny('client.x > server.x TCP 1001', 'client.x > server.x TCP 1600', 'other.x > server.x TCP 1000'),
        ],
      },
    ],
  },
];
