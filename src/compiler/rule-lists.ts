import type { Direction, NetworkPolicy, Peer, PolicyRule, Port, Protocol } from '../model/policy.js';
import {
  groupsOf,
  ruleListId,
  type AllowRule,
  type GroupId,
  type PeerMatch,
  type PortMatch,
  type RuleList,
  type RulePeer,
  type RulePort,
} from '../program/types.js';
import { canonicalText } from '../selectors/match.js';
import { selectionId, type PodSelection } from '../selectors/selector-index.js';
import { rangeOf, rangesOf, subtractRanges } from '../addresses/address-ranges.js';

/** How a group's members are found. */
export type GroupDefinition =
  | { readonly kind: 'pods'; readonly id: GroupId; readonly title: string; readonly selection: PodSelection }
  | {
      readonly kind: 'listeners';
      readonly id: GroupId;
      readonly title: string;
      readonly selection: PodSelection;
      readonly protocol: Protocol;
      readonly name: string;
    };

export interface CompiledRules {
  readonly list: RuleList;
  readonly groups: ReadonlyMap<GroupId, GroupDefinition>;
}

const everyPod: PodSelection = { namespaces: { requirements: [] }, pods: { requirements: [] } };

/** What a policy allows in one direction: a rule over groups and blocks for each rule of the YAML. */
export function compileRules(policy: NetworkPolicy, direction: Direction, logsAllowed = false): CompiledRules {
  const named = new Map<GroupId, GroupDefinition>();
  const context: RuleContext = {
    policy,
    direction,
    name: (definition) => {
      named.set(definition.id, definition);
      return definition.id;
    },
  };
  const rules = (policy[direction] ?? []).flatMap((rule, index) => allowRules(context, rule, index));
  const used = new Set(rules.flatMap(groupsOf));
  const groups = new Map([...named].filter(([id]) => used.has(id)));
  const id = ruleListId(policy.ref, direction);
  const list = { id, policy: policy.ref, direction, rules, ...(logsAllowed ? { logsAllowed } : {}) };
  return { list, groups };
}

interface RuleContext {
  readonly policy: NetworkPolicy;
  readonly direction: Direction;
  readonly name: (definition: GroupDefinition) => GroupId;
}

/** None for a rule that matches nothing, two where names mean something to some of its peers only. */
function allowRules(context: RuleContext, rule: PolicyRule, index: number): readonly AllowRule[] {
  const { policy, direction } = context;
  const origin = { policy: policy.ref, direction, rule: index };
  const [peers, ports] = [matchPeers(context, rule.peers), matchPorts(context, rule.ports)];
  const product = (from: PeerMatch, to: PortMatch): readonly AllowRule[] =>
    isEmpty(from) || isEmpty(to) ? [] : [{ peers: from, ports: to, origin }];
  if (direction === 'ingress' || peers.kind === 'anyone' || ports.kind === 'anyPort') return product(peers, ports);
  // A CIDR has no pods to ask what a name means (SEMANTICS A6).
  const blocks = peers.of.filter(({ kind }) => kind === 'addressBlock');
  const numbers = ports.of.filter(({ kind }) => kind === 'range');
  if (blocks.length === 0 || numbers.length === ports.of.length) return product(peers, ports);
  const pods = peers.of.filter(({ kind }) => kind === 'pods');
  return [
    ...product({ kind: 'union', of: pods }, ports),
    ...product({ kind: 'union', of: blocks }, { kind: 'union', of: numbers }),
  ];
}

const isEmpty = (match: PeerMatch | PortMatch): boolean => match.kind === 'union' && match.of.length === 0;

function matchPeers({ policy, name }: RuleContext, peers: PolicyRule['peers']): PeerMatch {
  if (peers === 'anyone') return { kind: 'anyone' };
  const of = peers.flatMap((peer, index): readonly RulePeer[] => {
    if (peer.kind === 'ipBlock')
      return hasAddresses(peer) ? [{ kind: 'addressBlock', index, cidr: peer.cidr, except: peer.except }] : [];
    const selection = selectionOf(policy, peer);
    const id = selectionId(selection) as string as GroupId;
    return [{ kind: 'pods', index, of: name({ kind: 'pods', id, title: titleOf(selection), selection }) }];
  });
  return { kind: 'union', of };
}

const hasAddresses = ({ cidr, except }: Extract<Peer, { kind: 'ipBlock' }>): boolean =>
  except.length === 0 || subtractRanges(rangeOf(cidr), rangesOf(except, cidr.family)).length > 0;

function matchPorts(context: RuleContext, ports: PolicyRule['ports']): PortMatch {
  if (ports === 'anyPort') return { kind: 'anyPort' };
  return { kind: 'union', of: ports.map((port, index) => ({ ...rulePort(context, port), index })) };
}

type WithoutIndex<Port> = Port extends unknown ? Omit<Port, 'index'> : never;

function rulePort({ policy, direction, name }: RuleContext, port: Port): WithoutIndex<RulePort> {
  if (port.kind === 'all') return { kind: 'range', protocol: port.protocol, first: 0, last: 65535 };
  if (port.kind === 'range') return port;
  // A name is resolved at each destination pod: the policy's own subjects, or for egress any pod that the peer selects.
  const selection: PodSelection =
    direction === 'ingress' ? { namespaces: { name: policy.ref.namespace }, pods: policy.appliesTo } : everyPod;
  const id = `listeners ${port.protocol} ${port.name} ${selectionId(selection)}` as GroupId;
  const title = `${port.name}/${port.protocol} on ${titleOf(selection)}`;
  return {
    kind: 'listeners',
    protocol: port.protocol,
    of: name({ kind: 'listeners', id, title, selection, protocol: port.protocol, name: port.name }),
  };
}

const selectionOf = (policy: NetworkPolicy, peer: Extract<Peer, { kind: 'pods' }>): PodSelection => ({
  namespaces: peer.namespaces === 'own' ? { name: policy.ref.namespace } : peer.namespaces,
  pods: peer.pods,
});

/** In plain words: `pods app=web in shop`, `all pods in namespaces tier=front`. */
function titleOf({ namespaces, pods }: PodSelection): string {
  const podText = canonicalText(pods);
  const what = podText === '' ? 'all pods' : `pods ${podText}`;
  if ('name' in namespaces) return `${what} in ${namespaces.name}`;
  const namespaceText = canonicalText(namespaces);
  return namespaceText === '' ? `${what} in all namespaces` : `${what} in namespaces ${namespaceText}`;
}
