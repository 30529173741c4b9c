/** Short ways through a world, which many rules take. */
import { isMapping } from '../model/parse.js';
import { isEnforceable } from '../model/pod.js';
import type { Direction, NetworkPolicy, Peer, PolicyRule, Port } from '../model/policy.js';
import { matches } from '../selectors/match.js';
import type { Labels, LabelSelector } from '../model/labels.js';
import type { Fields, Path, PolicyObject, WorkloadEntry, World } from './types.js';

/** A policy that parsed, with its object. */
export interface ValidPolicy {
  readonly object: PolicyObject;
  readonly policy: NetworkPolicy;
}

export function* validPolicies({ policies }: World): Iterable<ValidPolicy> {
  for (const object of policies) if (object.policy?.kind === 'policy') yield { object, policy: object.policy };
}

export interface RuleEntry extends ValidPolicy {
  readonly direction: Direction;
  readonly rule: PolicyRule;
  readonly path: Path;
}

export const peersKey = (direction: Direction): 'from' | 'to' => (direction === 'ingress' ? 'from' : 'to');

/** Every rule that is in force. */
export function* rulesOf(world: World): Iterable<RuleEntry> {
  for (const { object, policy } of validPolicies(world))
    for (const direction of ['ingress', 'egress'] as const)
      for (const [index, rule] of (policy[direction] ?? []).entries())
        yield { object, policy, direction, rule, path: ['spec', direction, index] };
}

export interface PeerEntry extends RuleEntry {
  readonly peer: Peer;
}

/** Every peer of every rule, at its own path. */
export function* peersOf(world: World): Iterable<PeerEntry> {
  for (const entry of rulesOf(world)) {
    if (entry.rule.peers === 'anyone') continue;
    for (const [index, peer] of entry.rule.peers.entries())
      yield { ...entry, peer, path: [...entry.path, peersKey(entry.direction), index] };
  }
}

export interface PortEntry extends RuleEntry {
  readonly port: Port;
}

export function* portsOf(world: World): Iterable<PortEntry> {
  for (const entry of rulesOf(world)) {
    if (entry.rule.ports === 'anyPort') continue;
    for (const [index, port] of entry.rule.ports.entries())
      yield { ...entry, port, path: [...entry.path, 'ports', index] };
  }
}

export interface SelectorEntry {
  readonly object: PolicyObject;
  readonly selector: LabelSelector;
  readonly path: Path;
  readonly of: 'subject' | 'pods' | 'namespaces';
}

/** Every selector of every valid policy. */
export function* selectorsOf(world: World): Iterable<SelectorEntry> {
  for (const { object, policy } of validPolicies(world))
    yield { object, selector: policy.appliesTo, path: ['spec', 'podSelector'], of: 'subject' };
  for (const { object, peer, path } of peersOf(world)) {
    if (peer.kind === 'ipBlock') continue;
    if (fieldAt(object.fields, [...path, 'podSelector']) !== undefined)
      yield { object, selector: peer.pods, path: [...path, 'podSelector'], of: 'pods' };
    if (peer.namespaces !== 'own')
      yield { object, selector: peer.namespaces, path: [...path, 'namespaceSelector'], of: 'namespaces' };
  }
}

/** The raw value of a field; undefined when it is absent. */
export function fieldAt(fields: Fields, path: Path): unknown {
  let value: unknown = fields;
  for (const part of path) {
    if (Array.isArray(value)) value = value[Number(part)] as unknown;
    else value = isMapping(value) ? value[part] : undefined;
  }
  return value;
}

/** Where a requirement of a selector stands, by the key that it is about. */
export function requirementPath(fields: Fields, selector: Path, key: string): Path {
  const raw = fieldAt(fields, selector);
  if (!isMapping(raw)) return selector;
  if (isMapping(raw['matchLabels']) && key in raw['matchLabels']) return [...selector, 'matchLabels', key];
  const expressions = Array.isArray(raw['matchExpressions']) ? (raw['matchExpressions'] as unknown[]) : [];
  const index = expressions.findIndex((one) => isMapping(one) && one['key'] === key);
  return index < 0 ? selector : [...selector, 'matchExpressions', index];
}

/** Workloads of a namespace are in the input. */
export const knowsWorkloads = ({ workloads }: World, namespace: string): boolean =>
  workloads.some(({ owner }) => owner.namespace === namespace);

export const labelsOfNamespace = ({ namespaces }: World, name: string): Labels =>
  namespaces.find((one) => one.name === name)?.labels ?? { 'kubernetes.io/metadata.name': name };

/** The workloads that policies see and this policy selects. */
export const subjectsOf = ({ workloads }: World, policy: NetworkPolicy): readonly WorkloadEntry[] =>
  workloads.filter(
    ({ owner, pod }) =>
      owner.namespace === policy.ref.namespace && isEnforceable(pod) && matches(policy.appliesTo, pod.labels),
  );

/** Whether a peer is about pods of a namespace. */
export const coversNamespace = (world: World, policy: NetworkPolicy, { namespaces }: PodPeer, name: string): boolean =>
  namespaces === 'own' ? name === policy.ref.namespace : matches(namespaces, labelsOfNamespace(world, name));

type PodPeer = Extract<Peer, { kind: 'pods' }>;

/** The workloads that a peer names by their labels, on the host network or not. */
export const namedByPeer = (world: World, policy: NetworkPolicy, peer: PodPeer): readonly WorkloadEntry[] =>
  world.workloads.filter(
    ({ owner, pod }) => coversNamespace(world, policy, peer, owner.namespace) && matches(peer.pods, pod.labels),
  );

/** The workloads that a peer means. */
export const podsOfPeer = (world: World, policy: NetworkPolicy, peer: Peer): readonly WorkloadEntry[] =>
  peer.kind === 'ipBlock' ? [] : namedByPeer(world, policy, peer).filter(({ pod }) => isEnforceable(pod));
