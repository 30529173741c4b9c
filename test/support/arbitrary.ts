/** Random small clusters, dense enough that policies, selectors and addresses meet. */
import fc from 'fast-check';
import type { Address, Cidr } from '../../src/model/address.js';
import {
  changeKey,
  changesFrom,
  snapshotOf,
  type ClusterChange,
  type ClusterSnapshot,
} from '../../src/model/cluster.js';
import type { Labels, LabelSelector, Requirement } from '../../src/model/labels.js';
import { objectKey, type Namespace, type Node, type Pod } from '../../src/model/pod.js';
import { parseCidr } from '../../src/model/address.js';
import { policyKey, type AnyPolicy, type Peer, type PolicyRule, type Port } from '../../src/model/policy.js';
import './seed.js';

const namespaceNames = ['x', 'y', 'z'];
const keys = ['app', 'tier'];
const values = ['a', 'b', ''];
export const addressPool = [
  ...Array.from({ length: 8 }, (_, index) => `10.0.0.${index + 1}`),
  ...Array.from({ length: 4 }, (_, index) => `fd00::${index + 1}`),
] as Address[];
export const outsiders = [
  '192.0.2.1',
  '10.0.0.200',
  '172.30.0.1',
  '172.30.0.2',
  'fd00::99',
  '2001:db8::1',
] as Address[];
/** What pods say of their nodes, beside what the Node objects say. */
export const hostPool = ['10.0.0.250', 'fd00::98'] as Address[];
export const portPool = [79, 80, 81, 443, 8080];

const cidrOf = (text: string): Cidr => {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(`bad CIDR in a test: ${text}`);
  return cidr;
};

const labels: fc.Arbitrary<Labels> = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...values), {
  maxKeys: 2,
});
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    key: fc.constantFrom(...keys),
    values: fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const), key: fc.constantFrom(...keys) }),
);
const selector: fc.Arbitrary<LabelSelector> = fc.record({ requirements: fc.array(requirement, { maxLength: 2 }) });
const namespaceSelector: fc.Arbitrary<LabelSelector> = fc.oneof(
  selector,
  fc.constantFrom(...namespaceNames).map((name) => ({
    requirements: [{ operator: 'In' as const, key: 'kubernetes.io/metadata.name', values: [name] }],
  })),
);
const blocks = [
  '0.0.0.0/0',
  '10.0.0.0/24',
  '10.0.0.0/30',
  '10.0.0.4/30',
  '10.0.0.2/32',
  '172.30.0.0/24',
  '::/0',
  'fd00::/126',
];
const peer: fc.Arbitrary<Peer> = fc.oneof(
  fc.record({
    kind: fc.constant('pods' as const),
    namespaces: fc.oneof(fc.constant('own' as const), namespaceSelector),
    pods: selector,
  }),
  fc.record({
    kind: fc.constant('ipBlock' as const),
    cidr: fc.constantFrom(...blocks).map(cidrOf),
    except: fc.array(fc.constantFrom(...blocks.slice(1)).map(cidrOf), { maxLength: 2 }),
  }),
);
const protocol = fc.constantFrom('TCP' as const, 'TCP' as const, 'UDP' as const, 'SCTP' as const);
const port: fc.Arbitrary<Port> = fc.oneof(
  fc.record({ kind: fc.constant('all' as const), protocol }),
  fc.record({ kind: fc.constant('named' as const), protocol, name: fc.constantFrom('http', 'db') }),
  fc
    .record({ protocol, bounds: fc.tuple(fc.constantFrom(...portPool), fc.constantFrom(...portPool)) })
    .map(({ protocol: name, bounds }) => ({
      kind: 'range' as const,
      protocol: name,
      first: Math.min(...bounds),
      last: Math.max(...bounds),
    })),
);
export const rule: fc.Arbitrary<PolicyRule> = fc.record({
  peers: fc.oneof(fc.constant('anyone' as const), fc.array(peer, { minLength: 1, maxLength: 3 })),
  ports: fc.oneof(fc.constant('anyPort' as const), fc.array(port, { minLength: 1, maxLength: 3 })),
});
const rules = fc.option(fc.array(rule, { maxLength: 3 }), { nil: undefined });

const policy: fc.Arbitrary<AnyPolicy> = fc
  .record({
    namespace: fc.constantFrom(...namespaceNames),
    name: fc.constantFrom('p', 'q', 'r'),
    appliesTo: selector,
    ingress: rules,
    egress: rules,
    broken: fc.nat({ max: 9 }),
    dryRun: fc.nat({ max: 3 }),
  })
  .map(({ namespace, name, appliesTo, ingress, egress, broken, dryRun }): AnyPolicy => {
    const ref = { kind: 'NetworkPolicy' as const, namespace, name };
    const known = { ref, ...(dryRun === 0 ? { mode: 'dry-run' as const } : {}) };
    if (broken === 0) return { kind: 'broken', ...known, appliesTo, directions: ['ingress'], diagnostics: [] };
    if (broken === 1) {
      const directions = ['ingress', 'egress'] as const;
      return { kind: 'broken', ...known, appliesTo: 'wholeNamespace', directions, diagnostics: [] };
    }
    return { kind: 'policy', ...known, appliesTo, ...(ingress && { ingress }), ...(egress && { egress }) };
  });

const pod: fc.Arbitrary<Pod> = fc
  .record({
    namespace: fc.constantFrom(...namespaceNames),
    name: fc.constantFrom('a', 'b', 'c'),
    labels,
    addresses: fc.uniqueArray(fc.constantFrom(...addressPool), { maxLength: 2 }),
    ports: fc.array(fc.record({ name: fc.constantFrom('http', 'db'), protocol, port: fc.constantFrom(...portPool) }), {
      maxLength: 2,
    }),
    node: fc.constantFrom('n1', 'n2'),
    hostAddresses: fc.subarray([...hostPool], { maxLength: 2 }),
    hostNetwork: fc.nat({ max: 9 }).map((number) => number === 0),
    phase: fc.constantFrom('Running' as const, 'Running' as const, 'Running' as const, 'Succeeded' as const),
    deleting: fc.boolean(),
    created: fc.nat({ max: 1_000_000 }),
  })
  .map(({ namespace, name, ...rest }) => ({ ref: { namespace, name }, uid: `${namespace}-${name}`, ...rest }));

const namespace: fc.Arbitrary<Namespace> = fc
  .record({
    name: fc.constantFrom(...namespaceNames),
    labels,
    annotations: fc.oneof(
      { weight: 3, arbitrary: fc.constant({}) },
      fc.constantFrom<Namespace['annotations']>(
        { 'podwall.dev/mode': 'dry-run' },
        { 'podwall.dev/audit': 'deny,allow' },
      ),
    ),
  })
  .map(({ name, labels: own, annotations }) => ({
    name,
    labels: { ...own, 'kubernetes.io/metadata.name': name },
    annotations,
  }));

const nodes: readonly Node[] = [
  { name: 'n1', labels: {}, addresses: ['172.30.0.1' as Address], podCidrs: [cidrOf('10.0.0.0/29')] },
  { name: 'n2', labels: {}, addresses: ['172.30.0.2' as Address], podCidrs: [cidrOf('10.0.0.8/29')] },
];

const unique = <T>(items: readonly T[], key: (item: T) => string): T[] => [
  ...new Map(items.map((item) => [key(item), item])).values(),
];

export const cluster: fc.Arbitrary<ClusterSnapshot> = fc
  .record({
    policies: fc.array(policy, { maxLength: 6 }),
    pods: fc.array(pod, { minLength: 2, maxLength: 8 }),
    namespaces: fc.array(namespace, { maxLength: 3 }),
  })
  .map(({ policies, pods, namespaces }) => ({
    policies: unique(policies, (one) => policyKey(one.ref)),
    // Creation times differ, so that who owns an address is not a matter of uids, which the oracle does not know.
    pods: unique(pods, (one) => objectKey(one.ref)).map((one, index) => ({
      ...one,
      created: one.created * 10 + index,
    })),
    namespaces: unique(namespaces, (one) => one.name),
    nodes,
  }));

const upsert: fc.Arbitrary<ClusterChange> = fc.oneof(
  policy.map((one) => ({ kind: 'policy' as const, ref: one.ref, policy: one })),
  pod.map((one) => ({ kind: 'pod' as const, ref: one.ref, pod: one })),
  namespace.map((one) => ({ kind: 'namespace' as const, name: one.name, namespace: one })),
);
const deletion = upsert.map((change): ClusterChange => {
  if (change.kind === 'policy') return { kind: 'policy', ref: change.ref };
  if (change.kind === 'pod') return { kind: 'pod', ref: change.ref };
  return change.kind === 'namespace' ? { kind: 'namespace', name: change.name } : change;
});

/** Bursts of changes, each burst one step. */
export const history: fc.Arbitrary<readonly (readonly ClusterChange[])[]> = fc.array(
  fc.array(fc.oneof({ weight: 3, arbitrary: upsert }, { weight: 1, arbitrary: deletion }), {
    minLength: 1,
    maxLength: 4,
  }),
  { minLength: 1, maxLength: 12 },
);

/** The cluster after some changes. */
export function fold(snapshot: ClusterSnapshot, changes: readonly ClusterChange[]): ClusterSnapshot {
  const state = new Map<string, ClusterChange>();
  for (const change of [...changesFrom(snapshot), ...changes]) {
    const present = 'policy' in change || 'pod' in change || 'namespace' in change || 'node' in change;
    if (present) state.set(changeKey(change), change);
    else state.delete(changeKey(change));
  }
  return snapshotOf(state.values());
}
