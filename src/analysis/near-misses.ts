/** Why a policy's rules do not let a connection through, and which of them comes nearest. */
import { cidrContains, familyOf, formatCidr, type Family } from '../model/address.js';
import { labelOf, type Labels, type LabelSelector } from '../model/labels.js';
import type { Direction, NetworkPolicy, Peer, PolicyRule, Port } from '../model/policy.js';
import type { Namespace } from '../model/pod.js';
import { canonicalText, matches } from '../selectors/match.js';
import { addressesOf, nameOf, type FlowEndpoint } from '../evaluation/flow-endpoints.js';
import type { BlockReading } from '../evaluation/blocks.js';
import type { AskedPort } from './questions.js';

/** A field that did not match. */
export interface Mismatch {
  /** From the policy's root. */
  readonly path: readonly (string | number)[];
  readonly wants: string;
  /** What is there instead. */
  readonly has: string;
}

export interface NearMiss {
  readonly rule: number;
  /** The peer that comes nearest fails at nothing. */
  readonly peerMatches: boolean;
  readonly portMatches: boolean;
  readonly mismatches: readonly Mismatch[];
}

export interface Approach {
  readonly direction: Direction;
  /** The other endpoint: the source of ingress, the destination of egress. */
  readonly peer: FlowEndpoint;
  /** Where the connection ends: named ports are its own. */
  readonly destination: FlowEndpoint;
  readonly port: AskedPort | undefined;
  readonly family: Family;
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly ipBlocks: BlockReading;
}

/** The rule with the fewest fields in the way; undefined when the policy has none in this direction. */
export function nearestMiss(policy: NetworkPolicy, approach: Approach): NearMiss | undefined {
  const misses = (policy[approach.direction] ?? []).map((rule, index) => missOf(policy, rule, index, approach));
  return misses.reduce<NearMiss | undefined>(
    (best, one) => (best === undefined || one.mismatches.length < best.mismatches.length ? one : best),
    undefined,
  );
}

function missOf(policy: NetworkPolicy, rule: PolicyRule, index: number, approach: Approach): NearMiss {
  const path = ['spec', approach.direction, index];
  const field = approach.direction === 'ingress' ? 'from' : 'to';
  const peers =
    rule.peers === 'anyone'
      ? [[]]
      : rule.peers.map((peer, at) => peerMismatches(policy, peer, [...path, field, at], approach));
  const ports =
    rule.ports === 'anyPort'
      ? [[]]
      : rule.ports.map((port, at) => portMismatches(port, [...path, 'ports', at], approach));
  const [peer, port] = [fewest(peers), fewest(ports)];
  return {
    rule: index,
    peerMatches: peer.length === 0,
    portMatches: port.length === 0,
    mismatches: [...peer, ...port],
  };
}

const fewest = (lists: readonly (readonly Mismatch[])[]): readonly Mismatch[] =>
  lists.reduce((best, one) => (one.length < best.length ? one : best));

type Path = Mismatch['path'];

function peerMismatches(policy: NetworkPolicy, peer: Peer, path: Path, approach: Approach): readonly Mismatch[] {
  const endpoint = approach.peer;
  if (peer.kind === 'ipBlock') {
    if (endpoint.kind === 'workload' && approach.ipBlocks === 'external')
      return [
        { path: [...path, 'ipBlock'], wants: 'an address outside the cluster', has: `${nameOf(endpoint)} is a pod` },
      ];
    return blockMismatches(peer, [...path, 'ipBlock'], approach);
  }
  if (endpoint.kind === 'address') return [{ path, wants: 'pods', has: `${nameOf(endpoint)} is no pod` }];
  const { namespace, labels } = endpoint.workload;
  const own = policy.ref.namespace;
  const space =
    peer.namespaces !== 'own'
      ? selectorMismatches(peer.namespaces, approach.namespaces.get(namespace)?.labels ?? {}, {
          path: [...path, 'namespaceSelector'],
          who: `namespace ${namespace}`,
        })
      : namespace === own
        ? []
        : [{ path: [...path, 'podSelector'], wants: `pods in ${own}`, has: `${nameOf(endpoint)} is in ${namespace}` }];
  return [
    ...space,
    ...selectorMismatches(peer.pods, labels, { path: [...path, 'podSelector'], who: nameOf(endpoint) }),
  ];
}

function blockMismatches(
  { cidr, except }: Extract<Peer, { kind: 'ipBlock' }>,
  path: Path,
  { peer: endpoint, family }: Approach,
): readonly Mismatch[] {
  if (cidr.family !== family)
    return [{ path: [...path, 'cidr'], wants: formatCidr(cidr), has: `the question is about ${family}` }];
  const addresses = addressesOf(endpoint).filter((address) => familyOf(address) === family);
  const outside = addresses.find((address) => !cidrContains(cidr, address));
  const [first] = addresses;
  if (first === undefined)
    return [{ path, wants: formatCidr(cidr), has: `${nameOf(endpoint)} has no ${cidr.family} address that is known` }];
  if (outside !== undefined)
    return [{ path: [...path, 'cidr'], wants: formatCidr(cidr), has: `the question is about ${outside}` }];
  return addresses.flatMap((address) => {
    const hole = except.findIndex((one) => cidrContains(one, address));
    const text = except[hole];
    return text === undefined
      ? []
      : [
          {
            path: [...path, 'except', hole],
            wants: `anything but ${formatCidr(text)}`,
            has: `the question is about ${address}`,
          },
        ];
  });
}

/** One for each requirement that does not hold. */
function selectorMismatches(
  { requirements }: LabelSelector,
  labels: Labels,
  { path, who }: { readonly path: Path; readonly who: string },
): readonly Mismatch[] {
  return requirements
    .filter((requirement) => !matches({ requirements: [requirement] }, labels))
    .map((requirement) => {
      const value = labelOf(labels, requirement.key);
      const isPlain = requirement.operator === 'In' && requirement.values.length === 1;
      return {
        path: [...path, ...(isPlain ? ['matchLabels', requirement.key] : ['matchExpressions'])],
        wants: canonicalText({ requirements: [requirement] }),
        has: value === undefined ? `${who} has no label ${requirement.key}` : `${who} has ${requirement.key}=${value}`,
      };
    });
}

function portMismatches(port: Port, path: Path, { port: asked, destination }: Approach): readonly Mismatch[] {
  if (asked === undefined) {
    const isNobodys = port.kind === 'named' && numbersOf(port, destination).length === 0;
    return isNobodys ? [unknownName(port, path, destination)] : [];
  }
  if (port.protocol !== asked.protocol)
    return [{ path: [...path, 'protocol'], wants: port.protocol, has: `the question is about ${asked.protocol}` }];
  const has = `the question is about ${asked.protocol} ${asked.number}`;
  if (port.kind === 'all') return [];
  if (port.kind === 'range') {
    const text = port.first === port.last ? String(port.first) : `${port.first}-${port.last}`;
    return asked.number >= port.first && asked.number <= port.last
      ? []
      : [{ path: [...path, 'port'], wants: `${port.protocol} ${text}`, has }];
  }
  const numbers = numbersOf(port, destination);
  if (numbers.includes(asked.number)) return [];
  if (numbers.length === 0) return [unknownName(port, path, destination)];
  const wants = `${port.name}, which is ${port.protocol} ${numbers.join(' and ')} of ${nameOf(destination)}`;
  return [{ path: [...path, 'port'], wants, has }];
}

const numbersOf = (
  { name, protocol }: Extract<Port, { kind: 'named' }>,
  destination: FlowEndpoint,
): readonly number[] =>
  destination.kind === 'address'
    ? []
    : destination.workload.ports
        .filter((one) => one.name === name && one.protocol === protocol)
        .map(({ port }) => port);

const unknownName = (port: Extract<Port, { kind: 'named' }>, path: Path, destination: FlowEndpoint): Mismatch => ({
  path: [...path, 'port'],
  wants: `a ${port.protocol} port named ${port.name}`,
  has: `${nameOf(destination)} has none`,
});
