/**
 * Random clusters as one table: each step turns what stands into another cluster, at once, and asks for every pair what
 * the oracle says. Addresses keep their place in the lab while pods, namespaces and policies change over them.
 */
import fc from 'fast-check';
import { familyOf } from '../../src/model/address.js';
import { isEnforceable } from '../../src/model/pod.js';
import { isAllowed } from '../oracle/oracle.js';
import { namespace, node, nodeAddresses, pod, podAddresses, policy, type NodeName } from './objects.js';
import type { Case, Cell, Manifest, Removal, Step } from './types.js';
import { ClusterState } from './cluster-state.js';

const namespaces = ['x', 'y', 'z'] as const;
const keys = ['app', 'tier'] as const;
const values = ['a', 'b', ''] as const;
const numbers = [80, 81, 443] as const;

const labels = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...values), { maxKeys: 2 });
const key = fc.constantFrom(...keys);
const requirement = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
);
const selector = fc.oneof(
  fc.constant({}),
  fc.record({ matchLabels: labels }),
  fc.record({ matchExpressions: fc.array(requirement, { maxLength: 2 }) }),
);
const namespaceSelector = fc.oneof(
  selector,
  fc.constantFrom(...namespaces).map((name) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } })),
);
/** A host beside the nodes that belongs to nobody in the cluster. */
const neighbour = ['172.30.0.100', 'fd00:172:30::100'] as const;
const blocks = {
  IPv4: [
    '10.244.0.0/16',
    '10.244.1.0/24',
    '10.244.1.8/29',
    '10.244.2.12/32',
    '172.30.0.0/30',
    '172.30.0.100/32',
    '0.0.0.0/0',
  ],
  IPv6: ['fd00:10:244::/48', 'fd00:10:244:2::/64', 'fd00:10:244:1::11/128', 'fd00:172:30::/64', '::/0'],
} as const;
const ipBlock = fc
  .constantFrom('IPv4' as const, 'IPv6' as const)
  .chain((family) =>
    fc.record({ cidr: fc.constantFrom(...blocks[family]), except: fc.subarray([...blocks[family]], { maxLength: 2 }) }),
  );
const peer = fc.oneof(
  { weight: 2, arbitrary: fc.record({ podSelector: selector }) },
  { weight: 1, arbitrary: fc.record({ namespaceSelector }) },
  { weight: 2, arbitrary: fc.record({ namespaceSelector, podSelector: selector }) },
  { weight: 2, arbitrary: ipBlock.map((one) => ({ ipBlock: one })) },
);
const protocol = fc.constantFrom('TCP', 'TCP', 'UDP', 'SCTP');
const port = fc.oneof(
  fc.record({ protocol }),
  fc.record({ protocol, port: fc.constantFrom('http', 'db') }),
  fc.record({ protocol, port: fc.constantFrom(...numbers) }),
  fc.record({ protocol, port: fc.constant(80), endPort: fc.constantFrom(80, 81, 443) }),
);
const some = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[] | undefined> =>
  fc.option(fc.array(one, { minLength: 1, maxLength: 3 }), { nil: undefined });
const given = (fields: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
const ruleOf = (peers: 'from' | 'to'): fc.Arbitrary<object> =>
  fc.record({ peers: some(peer), ports: some(port) }).map((one) => given({ [peers]: one.peers, ports: one.ports }));

const spec = fc
  .record({
    podSelector: selector,
    policyTypes: fc.option(fc.constantFrom(['Ingress'], ['Egress'], ['Ingress', 'Egress']), { nil: undefined }),
    ingress: fc.option(fc.array(ruleOf('from'), { maxLength: 3 }), { nil: undefined }),
    egress: fc.option(fc.array(ruleOf('to'), { maxLength: 3 }), { nil: undefined }),
    /** One in twelve is not valid, and fails closed. */
    broken: fc.nat({ max: 11 }),
  })
  .map(({ broken, ...fields }) => given(broken === 0 ? { ...fields, ingress: [{ ports: [{ port: 0 }] }] } : fields));

/** Places for pods: both families, and one that has only the first. */
const places = (['n1', 'n2'] as const).flatMap((name: NodeName) =>
  [11, 12, 13].map((host) => ({ node: name, host, families: host === 13 ? ('IPv4' as const) : ('dual' as const) })),
);
const podAt = fc.record({
  namespace: fc.constantFrom(...namespaces),
  labels,
  ports: fc.uniqueArray(
    fc.record({ name: fc.constantFrom('http', 'db'), protocol, port: fc.constantFrom(...numbers) }),
    { maxLength: 2, selector: ({ name }) => name },
  ),
  finished: fc.nat({ max: 11 }).map((number) => number === 0),
  terminating: fc.nat({ max: 5 }).map((number) => number === 0),
});

/** Of a namespace: half have none. */
const annotations = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.constantFrom(
    { 'podwall.dev/audit': 'deny,allow' },
    { 'podwall.dev/mode': 'dry-run' },
    { 'podwall.dev/mode': 'dry-run', 'podwall.dev/audit': 'allow' },
  ),
);

const cluster = fc.record({
  namespaces: fc.tuple(...namespaces.map(() => labels)),
  pods: fc.tuple(...places.map(() => podAt)),
  hostNetwork: fc.option(fc.record({ namespace: fc.constantFrom(...namespaces), labels }), { nil: undefined }),
  policies: fc.array(
    fc.record({
      namespace: fc.constantFrom(...namespaces),
      spec,
      isDryRun: fc.nat({ max: 3 }).map((number) => number === 0),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  annotations: fc.tuple(...namespaces.map(() => annotations)),
});
type RandomCluster = typeof cluster extends fc.Arbitrary<infer T> ? T : never;

/** The cluster's objects. Pods get the number of their cluster, so that each is a new one at an old address. */
function manifestsOf(one: RandomCluster, number: number): Manifest[] {
  const { namespaces: own, pods, hostNetwork, policies } = one;
  return [
    ...own.map((labelsOfOne, index) =>
      annotated(namespace(namespaces[index] ?? '', labelsOfOne), one.annotations[index] ?? {}),
    ),
    ...pods.map((each, index) => podManifest(each, index, number)),
    ...(hostNetwork === undefined
      ? []
      : [pod(`host${number}.${hostNetwork.namespace}`, { labels: hostNetwork.labels, hostNetwork: true })]),
    ...policies.map(({ namespace: of, spec: policySpec, isDryRun }, index) =>
      annotated(policy(`p${index}.${of}`, policySpec), isDryRun ? { 'podwall.dev/mode': 'dry-run' } : {}),
    ),
  ];
}

const annotated = (manifest: Manifest, own: object): Manifest => ({
  ...manifest,
  metadata: { ...manifest.metadata, annotations: own },
});

function podManifest(one: RandomCluster['pods'][number], index: number, number: number): Manifest {
  const place = places[index];
  if (place === undefined) throw new Error(`no place ${index}`);
  const { node: nodeName, host, families } = place;
  const created = new Date(Date.UTC(2026, 0, 1) + 1000 * (number * places.length + index)).toISOString();
  const manifest = pod(`p${index}c${number}.${one.namespace}`, {
    node: nodeName,
    addresses: podAddresses(nodeName, host, families),
    labels: one.labels,
    ports: one.ports,
    phase: one.finished ? 'Succeeded' : 'Running',
    created,
  });
  return one.terminating
    ? { ...manifest, metadata: { ...manifest.metadata, deletionTimestamp: '2026-12-01T00:00:00Z' } }
    : manifest;
}

const identity = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

const removalOf = ({ kind, metadata }: Manifest): Removal => ({
  kind,
  name: metadata.name,
  ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
});

/** Every pair of places (one of them a living pod's), of places and nodes, and of places and what is outside, as the oracle has it. */
function cellsOf(state: ClusterState): Cell[] {
  const pods = places.flatMap(({ node: name, host, families }) => podAddresses(name, host, families));
  const others = [...nodeAddresses('n1'), ...nodeAddresses('n2'), ...neighbour];
  const snapshot = state.snapshot();
  const live = new Set<string>(snapshot.pods.filter(isEnforceable).flatMap(({ addresses }) => addresses));
  const pairs = [
    ...pods.flatMap((from) => pods.filter((to) => to !== from).map((to) => ({ from, to }))),
    ...pods.flatMap((end) =>
      others.flatMap((other) => [
        { from: other, to: end },
        { from: end, to: other },
      ]),
    ),
  ].filter(({ from, to }) => from.includes(':') === to.includes(':') && (live.has(from) || live.has(to)));
  const asked = [
    { protocol: 'TCP' as const, port: 80 },
    { protocol: 'TCP' as const, port: 443 },
    { protocol: 'UDP' as const, port: 81 },
    { protocol: 'SCTP' as const, port: 80 },
    { protocol: 'ICMP' as const, port: 0 },
  ];
  return pairs.flatMap(({ from, to }) =>
    asked.map((one): Cell => {
      const cell = { from, to, ...one, allowed: true };
      const [pairing] = state.pairings(cell);
      if (pairing === undefined) throw new Error(`${from} and ${to} share no family`);
      return { ...cell, family: familyOf(pairing.source), allowed: isAllowed(snapshot, pairing) };
    }),
  );
}

/** So many random clusters, one after the other, from a seed. */
export function randomClusters(seed: number, count: number): Case {
  const objects = [node('n1'), node('n2')];
  const state = new ClusterState();
  state.take({ apply: objects });
  let standing: Manifest[] = [];
  const steps = fc.sample(cluster, { seed, numRuns: count }).map((one, index): Step => {
    const desired = manifestsOf(one, index);
    const kept = new Set(desired.map(identity));
    const changes = { apply: desired, remove: standing.filter((old) => !kept.has(identity(old))).map(removalOf) };
    state.take(changes);
    standing = desired;
    return { title: `cluster ${index} of seed ${seed}`, changes, expect: cellsOf(state) };
  });
  return { id: `random-${seed}`, title: `${count} random clusters, seed ${seed}`, objects, steps };
}
