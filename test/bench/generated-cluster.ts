/**
 * A made-up cluster with the profile of a large real one: 13,678 policies, 5,413 pods and 604 namespaces, where a policy
 * selects 6 pods and names 2 peer pods in the median, 13 and 35 in the mean. Seeded: the same cluster at every run.
 */
import type { Address } from '../../src/model/address.js';
import type { ClusterSnapshot } from '../../src/model/cluster.js';
import type { LabelSelector } from '../../src/model/labels.js';
import type { Namespace, Node, Pod } from '../../src/model/pod.js';
import type { NetworkPolicy, Peer, Port } from '../../src/model/policy.js';

export interface ClusterSize {
  readonly policies: number;
  readonly pods: number;
  readonly namespaces: number;
  /** Pods on node `n0`; the others are spread over further nodes of 110. */
  readonly localPods: number;
}

export const largeCluster: ClusterSize = { policies: 13_678, pods: 5_413, namespaces: 604, localPods: 110 };

const appsPerNamespace = 4;

export function generateCluster(size: ClusterSize, seed = 1): ClusterSnapshot {
  const random = randomFrom(seed);
  const namespaces = Array.from({ length: size.namespaces }, (_, index) => namespaceNamed(index));
  const pods = Array.from({ length: size.pods }, (_, index) => podNumbered(index, size));
  const policies = Array.from({ length: size.policies }, (_, index) => policyNumbered(index, size, random));
  const nodeCount = 1 + Math.ceil((size.pods - size.localPods) / 110);
  return { namespaces, pods, policies, nodes: Array.from({ length: nodeCount }, (_, index) => nodeNumbered(index)) };
}

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const namespaceName = (index: number): string => `team-${index}`;

const namespaceNamed = (index: number): Namespace => ({
  name: namespaceName(index),
  labels: { 'kubernetes.io/metadata.name': namespaceName(index), tier: `tier-${index % 7}` },
  annotations: {},
});

const nodeNumbered = (index: number): Node => ({
  name: `n${index}`,
  labels: {},
  addresses: [`172.30.${index >> 8}.${index & 255}` as Address],
  podCidrs: [],
});

function podNumbered(index: number, size: ClusterSize): Pod {
  const namespace = namespaceName(index % size.namespaces);
  const app = Math.floor(index / size.namespaces) % appsPerNamespace;
  const node = index < size.localPods ? 0 : 1 + Math.floor((index - size.localPods) / 110);
  return {
    ref: { namespace, name: `app-${app}-${index}` },
    uid: `uid-${index}`,
    labels: { app: `app-${app}`, instance: `i-${index}` },
    addresses: [`10.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}` as Address],
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    node: `n${node}`,
    hostNetwork: false,
    phase: 'Running',
    deleting: false,
    created: 0,
  };
}

const labelled = (key: string, value: string): LabelSelector => ({
  requirements: [{ operator: 'In', key, values: [value] }],
});

function policyNumbered(index: number, size: ClusterSize, random: () => number): NetworkPolicy {
  const app = labelled('app', `app-${Math.floor(random() * appsPerNamespace)}`);
  const rules = [{ peers: [peer(random)], ports: [port(random)] }];
  return {
    kind: 'policy',
    ref: { kind: 'NetworkPolicy', namespace: namespaceName(index % size.namespaces), name: `policy-${index}` },
    appliesTo: random() < 0.05 ? { requirements: [] } : app,
    ...(random() < 0.7 ? { ingress: rules } : { egress: rules }),
  };
}

function peer(random: () => number): Peer {
  const app = labelled('app', `app-${Math.floor(random() * appsPerNamespace)}`);
  const kind = random();
  if (kind < 0.75) return { kind: 'pods', namespaces: 'own', pods: app };
  if (kind < 0.95) return { kind: 'pods', namespaces: labelled('tier', `tier-${Math.floor(random() * 7)}`), pods: app };
  const second = Math.floor(random() * 256);
  return { kind: 'ipBlock', cidr: { family: 'IPv4', address: `192.${second}.0.0` as Address, prefix: 16 }, except: [] };
}

function port(random: () => number): Port {
  if (random() < 0.1) return { kind: 'named', protocol: 'TCP', name: 'http' };
  const first = [80, 443, 5432, 8080, 9090][Math.floor(random() * 5)] ?? 80;
  return { kind: 'range', protocol: 'TCP', first, last: first };
}
