/** A made-up cluster as the API would give it. */
import type { LabelSelector } from '../../src/model/labels.js';
import type { Pod } from '../../src/model/pod.js';
import type { AnyPolicy, Peer, PolicyRule, Port } from '../../src/model/policy.js';
import type { ClusterSnapshot } from '../../src/model/cluster.js';

/** Lists by file name. */
export const manifestsOf = (cluster: ClusterSnapshot): Readonly<Record<string, readonly object[]>> => ({
  nodes: cluster.nodes.map(({ name, addresses }) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
  })),
  namespaces: cluster.namespaces.map(({ name, labels }) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels },
  })),
  pods: cluster.pods.map(podManifest),
  policies: cluster.policies.map(policyManifest),
});

const podManifest = ({ ref, uid, labels, addresses, ports, node, phase }: Pod): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { ...ref, uid, labels, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    nodeName: node,
    containers: [
      {
        name: 'main',
        image: 'main',
        ports: ports.map(({ name, protocol, port }) => ({ name, protocol, containerPort: port })),
      },
    ],
  },
  status: { phase, podIPs: addresses.map((ip) => ({ ip })) },
});

function policyManifest(policy: AnyPolicy): object {
  if (policy.kind === 'broken') throw new Error('made-up clusters have no broken policies');
  const { namespace, name } = policy.ref;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace, name },
    spec: {
      podSelector: selectorManifest(policy.appliesTo),
      policyTypes: [
        ...(policy.ingress === undefined ? [] : ['Ingress']),
        ...(policy.egress === undefined ? [] : ['Egress']),
      ],
      ...(policy.ingress === undefined ? {} : { ingress: policy.ingress.map((rule) => ruleManifest(rule, 'from')) }),
      ...(policy.egress === undefined ? {} : { egress: policy.egress.map((rule) => ruleManifest(rule, 'to')) }),
    },
  };
}

const selectorManifest = ({ requirements }: LabelSelector): object =>
  requirements.length === 0 ? {} : { matchExpressions: requirements };

const ruleManifest = ({ peers, ports }: PolicyRule, side: 'from' | 'to'): object => ({
  ...(peers === 'anyone' ? {} : { [side]: peers.map(peerManifest) }),
  ...(ports === 'anyPort' ? {} : { ports: ports.map(portManifest) }),
});

const peerManifest = (peer: Peer): object =>
  peer.kind === 'ipBlock'
    ? { ipBlock: { cidr: `${peer.cidr.address}/${peer.cidr.prefix}` } }
    : {
        podSelector: selectorManifest(peer.pods),
        ...(peer.namespaces === 'own' ? {} : { namespaceSelector: selectorManifest(peer.namespaces) }),
      };

function portManifest(port: Port): object {
  if (port.kind === 'named') return { protocol: port.protocol, port: port.name };
  return port.kind === 'all'
    ? { protocol: port.protocol }
    : { protocol: port.protocol, port: port.first, endPort: port.last };
}
