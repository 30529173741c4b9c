/**
 * The naive evaluator: straight from raw policies, pods and namespaces to a verdict, as plain as the documentation.
 * It shares nothing with the compiler but the nouns.
 */
import { cidrContains, type Address } from '../../src/model/address.js';
import type { ClusterSnapshot } from '../../src/model/cluster.js';
import type { LabelSelector, Labels } from '../../src/model/labels.js';
import type { Pod } from '../../src/model/pod.js';
import type { AnyPolicy, Direction, Peer, Port, Protocol } from '../../src/model/policy.js';

export interface Question {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol | 'other';
  readonly port: number;
}

export function isAllowed(cluster: ClusterSnapshot, question: Question): boolean {
  const source = podAt(cluster, question.source);
  const destination = podAt(cluster, question.destination);
  // A pod cannot block itself: what it sends to one of its own addresses never leaves it.
  if (source !== undefined && source === destination) return true;
  if (source !== undefined && isOwnNode(cluster, source, question.destination)) return true;
  if (destination !== undefined && isOwnNode(cluster, destination, question.source)) return true;
  return (
    (source === undefined || allowsDirection(cluster, source, 'egress', question)) &&
    (destination === undefined || allowsDirection(cluster, destination, 'ingress', question))
  );
}

/** The newest pod with the address that is neither on the host network nor finished. */
function podAt(cluster: ClusterSnapshot, address: Address): Pod | undefined {
  let found: Pod | undefined;
  for (const pod of cluster.pods) {
    if (pod.hostNetwork || pod.phase === 'Succeeded' || pod.phase === 'Failed') continue;
    if (!pod.addresses.includes(address)) continue;
    if (found === undefined || pod.created > found.created) found = pod;
  }
  return found;
}

function isOwnNode(cluster: ClusterSnapshot, pod: Pod, other: Address): boolean {
  if (cluster.nodes.some((node) => node.name === pod.node && node.addresses.includes(other))) return true;
  // What its pods say of a node is as good: a Node object may be missing, or late.
  return cluster.pods.some(
    ({ node, phase, hostAddresses = [] }) =>
      node !== '' && node === pod.node && phase !== 'Succeeded' && phase !== 'Failed' && hostAddresses.includes(other),
  );
}

function allowsDirection(cluster: ClusterSnapshot, pod: Pod, direction: Direction, question: Question): boolean {
  const isolating = cluster.policies.filter(
    (policy) => isEnforced(cluster, policy) && isolates(policy, pod, direction),
  );
  if (isolating.length === 0) return true;
  for (const policy of isolating) {
    if (policy.kind === 'broken') continue;
    for (const rule of policy[direction] ?? []) {
      const peerAddress = direction === 'ingress' ? question.source : question.destination;
      for (const peer of rule.peers === 'anyone' ? ['anyone' as const] : rule.peers) {
        if (!peerMatches(cluster, policy, peer, peerAddress)) continue;
        for (const port of rule.ports === 'anyPort' ? ['anyPort' as const] : rule.ports) {
          const viaBlock = peer !== 'anyone' && peer.kind === 'ipBlock';
          if (portMatches(cluster, port, question, direction === 'egress' && viaBlock)) return true;
        }
      }
    }
  }
  return false;
}

/** Not in a dry run, by its own annotation or its namespace's. */
function isEnforced(cluster: ClusterSnapshot, policy: AnyPolicy): boolean {
  const namespace = cluster.namespaces.find(({ name }) => name === policy.ref.namespace);
  return policy.mode !== 'dry-run' && !['dry-run', 'audit'].includes(namespace?.annotations['podwall.dev/mode'] ?? '');
}

function isolates(policy: AnyPolicy, pod: Pod, direction: Direction): boolean {
  if (policy.ref.namespace !== pod.ref.namespace) return false;
  if (policy.appliesTo !== 'wholeNamespace' && !selected(policy.appliesTo, pod.labels)) return false;
  return policy.kind === 'broken' ? policy.directions.includes(direction) : policy[direction] !== undefined;
}

function peerMatches(cluster: ClusterSnapshot, policy: AnyPolicy, peer: Peer | 'anyone', address: Address): boolean {
  if (peer === 'anyone') return true;
  if (peer.kind === 'ipBlock')
    return cidrContains(peer.cidr, address) && !peer.except.some((except) => cidrContains(except, address));
  const pod = podAt(cluster, address);
  if (pod === undefined) return false;
  const { namespace } = pod.ref;
  const inScope =
    peer.namespaces === 'own'
      ? namespace === policy.ref.namespace
      : selected(peer.namespaces, labelsOf(cluster, namespace));
  return inScope && selected(peer.pods, pod.labels);
}

function labelsOf(cluster: ClusterSnapshot, namespace: string): Labels {
  return (
    cluster.namespaces.find(({ name }) => name === namespace)?.labels ?? { 'kubernetes.io/metadata.name': namespace }
  );
}

function portMatches(cluster: ClusterSnapshot, port: Port | 'anyPort', question: Question, viaBlock: boolean): boolean {
  if (port === 'anyPort') return true;
  if (port.protocol !== question.protocol) return false;
  if (port.kind === 'all') return true;
  if (port.kind === 'range') return question.port >= port.first && question.port <= port.last;
  if (viaBlock) return false;
  const destination = podAt(cluster, question.destination);
  if (destination === undefined) return false;
  return destination.ports.some(
    (one) => one.name === port.name && one.protocol === port.protocol && one.port === question.port,
  );
}

function selected(selector: LabelSelector, labels: Labels): boolean {
  for (const requirement of selector.requirements) {
    const value = new Map(Object.entries(labels)).get(requirement.key);
    if (requirement.operator === 'Exists' && value === undefined) return false;
    if (requirement.operator === 'DoesNotExist' && value !== undefined) return false;
    if (requirement.operator === 'In' && (value === undefined || !requirement.values.includes(value))) return false;
    if (requirement.operator === 'NotIn' && value !== undefined && requirement.values.includes(value)) return false;
  }
  return true;
}
