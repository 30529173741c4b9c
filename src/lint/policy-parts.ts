/** The policies of the input and all their parts in flat lists, made once for all rules. */
import type { LabelSelector } from '../model/labels.js';
import { isMapping } from '../model/parse.js';
import { directions, type Direction, type Peer, type PolicyRule, type Port } from '../model/policy.js';
import type { Fields, Path, PolicyObject, ValidPolicy } from './objects.js';

export interface RuleEntry extends ValidPolicy {
  readonly direction: Direction;
  readonly rule: PolicyRule;
  readonly path: Path;
}

export interface PeerEntry extends RuleEntry {
  readonly peer: Peer;
}

export interface PortEntry extends RuleEntry {
  readonly port: Port;
}

export interface SelectorEntry {
  readonly object: PolicyObject;
  readonly selector: LabelSelector;
  readonly path: Path;
  readonly of: 'subject' | 'pods' | 'namespaces';
}

export interface PolicyParts {
  readonly policies: readonly ValidPolicy[];
  readonly rules: readonly RuleEntry[];
  readonly peers: readonly PeerEntry[];
  readonly ports: readonly PortEntry[];
  readonly selectors: readonly SelectorEntry[];
}

export function policyPartsOf(objects: readonly PolicyObject[]): PolicyParts {
  const policies = objects.flatMap((object): ValidPolicy[] =>
    object.policy?.kind === 'policy' ? [{ object, policy: object.policy }] : [],
  );
  const rules = policies.flatMap(rulesIn);
  const peers = rules.flatMap(peersIn);
  return { policies, rules, peers, ports: rules.flatMap(portsIn), selectors: selectorsIn(policies, peers) };
}

const rulesIn = ({ object, policy }: ValidPolicy): readonly RuleEntry[] =>
  directions.flatMap((direction) =>
    (policy[direction] ?? []).map((rule, index) => ({
      object,
      policy,
      direction,
      rule,
      path: ['spec', direction, index],
    })),
  );

export const peersKey = (direction: Direction): 'from' | 'to' => (direction === 'ingress' ? 'from' : 'to');

function peersIn(entry: RuleEntry): readonly PeerEntry[] {
  const { peers } = entry.rule;
  if (peers === 'anyone') return [];
  return peers.map((peer, index) => ({ ...entry, peer, path: [...entry.path, peersKey(entry.direction), index] }));
}

function portsIn(entry: RuleEntry): readonly PortEntry[] {
  const { ports } = entry.rule;
  if (ports === 'anyPort') return [];
  return ports.map((port, index) => ({ ...entry, port, path: [...entry.path, 'ports', index] }));
}

function selectorsIn(policies: readonly ValidPolicy[], peers: readonly PeerEntry[]): readonly SelectorEntry[] {
  const subjects = policies.map(({ object, policy }): SelectorEntry => ({
    object,
    selector: policy.appliesTo,
    path: ['spec', 'podSelector'],
    of: 'subject',
  }));
  const named = peers.flatMap(({ object, peer, path }): SelectorEntry[] => {
    if (peer.kind === 'ipBlock') return [];
    const selectors: SelectorEntry[] = [];
    if (fieldAt(object.fields, [...path, 'podSelector']) !== undefined)
      selectors.push({ object, selector: peer.pods, path: [...path, 'podSelector'], of: 'pods' });
    if (peer.namespaces !== 'own')
      selectors.push({ object, selector: peer.namespaces, path: [...path, 'namespaceSelector'], of: 'namespaces' });
    return selectors;
  });
  return [...subjects, ...named];
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
