/**
 * What a packet costs under Podwall, as a ratio to the same path with conntrack alone. Blocks on both paths take turns,
 * and a ratio is made of two neighbours; two bare paths against each other show what the machine itself adds.
 */
import { execa } from 'execa';
import { compile } from '../../src/compiler/compiler.js';
import { openNftClient } from '../../src/kernel/nft/nft-client.js';
import type { Address } from '../../src/model/address.js';
import type { ClusterSnapshot } from '../../src/model/cluster.js';
import type { Namespace, Pod } from '../../src/model/pod.js';
import type { NetworkPolicy } from '../../src/model/policy.js';
import { renderGuards } from '../../src/nftables/render/guards.js';
import { planReplacement } from '../../src/nftables/plan/plan.js';
import { render, type RenderOptions } from '../../src/nftables/render/renderer.js';
import type { BenchOptions, Figure } from './figures.js';
import { clientAddress, devices, PacketPath, serverAddress, serverPort } from './packet-path.js';
import { growthInterval, medianInterval, type Interval } from './statistics.js';
import { largeCluster, generateCluster } from './generated-cluster.js';
import { runPrefix } from '../support/runs.mjs';

const goal = 1.05;
const namespace = 'measured';

export interface Size {
  readonly policies: number;
  /** Policies that select the measured server. */
  readonly selecting: number;
}

const sizes: readonly Size[] = [
  ...[10, 100, 1000, 10_000].map((policies) => ({ policies, selecting: 1 })),
  ...[10, 100, 1000].map((selecting) => ({ policies: 1000, selecting })),
];
const titleOf = ({ policies, selecting }: Size): string => `${policies} policies, ${selecting} selecting the pod`;

export async function measurePackets({ fast }: BenchOptions): Promise<Figure[]> {
  const name = `${runPrefix}bench`;
  await using bare = await PacketPath.create(`${name}-a`);
  await using control = await PacketPath.create(`${name}-b`);
  await using enforced = await PacketPath.create(`${name}-c`);
  for (const path of [bare, control]) await trackConnections(path);
  const blocks = fast ? 5 : 31;
  const figures = [figure('bare against bare, live flow', compare(bare, control, blocks, live))];
  const lives = new Map<Size, readonly number[]>();
  for (const size of fast ? [sizes[0] ?? { policies: 10, selecting: 1 }] : sizes) {
    await enforce(enforced, size);
    const ratios = compare(bare, enforced, blocks, live);
    lives.set(size, ratios);
    figures.push(
      figure(`live flow, ${titleOf(size)}`, ratios, goal),
      figure(`new flows, ${titleOf(size)}`, compare(bare, enforced, blocks, fresh)),
    );
    await enforce(enforced, size, 'denied');
    figures.push(figure(`denied packets, ${titleOf(size)}`, compare(bare, enforced, blocks, oneWay)));
  }
  const [first, last] = [sizes[0], sizes[3]].map((size) => (size === undefined ? undefined : lives.get(size)));
  if (first !== undefined && last !== undefined) figures.push(growth(growthInterval(first, last)));
  return figures;
}

type Measure = (path: PacketPath) => number;
const live: Measure = (path) => path.live(2000);
export const fresh: Measure = (path) => path.fresh(200);
export const oneWay: Measure = (path) => path.oneWay(200).microseconds;

/** The second path's time as a part of the first's, block by block; who goes first takes turns too. */
export function compare(first: PacketPath, second: PacketPath, blocks: number, measure: Measure): number[] {
  for (const path of [first, second]) measure(path);
  return Array.from({ length: blocks }, (_, block) => {
    const order = block % 2 === 0 ? [first, second] : [second, first];
    const times = new Map(order.map((path) => [path, measure(path)]));
    return (times.get(second) ?? NaN) / (times.get(first) ?? NaN);
  });
}

/** Conntrack works as soon as a rule asks for it. */
async function trackConnections(path: PacketPath): Promise<void> {
  const input = [
    'table inet bare {',
    '  chain forward { type filter hook forward priority -5; ct state invalid drop; }',
    '}',
  ].join('\n');
  await execa('ip', ['netns', 'exec', path.router, 'nft', '-f', '/dev/stdin'], { input: Buffer.from(`${input}\n`) });
}

export async function enforce(
  path: PacketPath,
  size: Size,
  verdict: 'allowed' | 'denied' = 'allowed',
  logging: Pick<RenderOptions, 'audit'> = {},
): Promise<void> {
  const client = await openNftClient({ command: ['ip', 'netns', 'exec', path.router, 'nft'] });
  try {
    const program = compile(
      clusterWith(size, verdict, logging.audit === undefined ? {} : { 'podwall.dev/audit': 'allow,deny' }),
      { scope: { node: 'n0' } },
    );
    await client.apply(planReplacement(render(program, { established: 'reevaluate', ...logging })));
    const attachments = (['client', 'server'] as const).map((end) => ({
      pod: { namespace, name: end },
      podUid: end,
      device: devices[end],
      ifindex: 0,
      kind: 'routed' as const,
      addresses: [addressOf(end)],
    }));
    await client.apply(planReplacement(renderGuards(attachments, { sourceGuardOffNamespaces: new Set() })));
  } finally {
    await client.close();
  }
  const { arrived } = path.oneWay(10);
  if (arrived !== (verdict === 'allowed' ? 10 : 0)) throw new Error(`${arrived} of 10 packets arrived: not ${verdict}`);
}

const addressOf = (end: 'client' | 'server'): Address => (end === 'client' ? clientAddress : serverAddress) as Address;

function clusterWith(
  { policies, selecting }: Size,
  verdict: 'allowed' | 'denied',
  annotations: Namespace['annotations'],
): ClusterSnapshot {
  const cluster = generateCluster({ ...largeCluster, policies });
  return {
    ...cluster,
    namespaces: [...cluster.namespaces, { name: namespace, labels: {}, annotations }],
    pods: [...cluster.pods, podNamed('client'), podNamed('server')],
    policies: [
      ...cluster.policies,
      // The last of them is the one that allows.
      ...Array.from({ length: selecting }, (_, index) =>
        policyNumbered(index, verdict === 'allowed' && index === selecting - 1 ? 'client' : `other-${index}`),
      ),
    ],
  };
}

const podNamed = (end: 'client' | 'server'): Pod => ({
  ref: { namespace, name: end },
  uid: end,
  labels: { app: end },
  addresses: [addressOf(end)],
  ports: [],
  node: 'n0',
  hostNetwork: false,
  phase: 'Running',
  deleting: false,
  created: 0,
});

const policyNumbered = (index: number, peer: string): NetworkPolicy => ({
  kind: 'policy',
  ref: { kind: 'NetworkPolicy', namespace, name: `policy-${String(index).padStart(4, '0')}` },
  appliesTo: { requirements: [{ operator: 'In', key: 'app', values: ['server'] }] },
  ingress: [
    {
      peers: [
        {
          kind: 'pods',
          namespaces: 'own',
          pods: { requirements: [{ operator: 'In', key: 'app', values: [peer] }] },
        },
      ],
      ports: [{ kind: 'range', protocol: 'UDP', first: serverPort, last: serverPort }],
    },
  ],
});

const figure = (what: string, ratios: readonly number[], bound?: number): Figure =>
  ratioFigure(`(a) ${what}`, ratios, bound);

export function ratioFigure(what: string, ratios: readonly number[], bound?: number): Figure {
  const found = medianInterval(ratios);
  return {
    what,
    measured: text(found),
    ...(bound === undefined ? {} : { goal: `<= ${bound}`, met: found.low <= bound }),
    values: { ...found },
  };
}

const growth = (found: Interval): Figure => ({
  what: '(a) growth of a live flow, 10 to 10000 policies',
  measured: text(found),
  goal: `<= ${goal}`,
  met: found.low <= goal,
  values: { ...found },
});

const text = ({ median, low, high }: Interval): string =>
  `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
