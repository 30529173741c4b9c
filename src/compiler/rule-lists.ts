import { formatCidr } from '../model/address.js';
import type { Direction, NetworkPolicy, Peer, Port, Protocol } from '../model/policy.js';
import type { AllowRule, GroupId, PeerMatch, PortMatch, RuleList, RuleOrigin } from '../program/types.js';
import { ruleListId } from '../program/types.js';
import { canonicalText } from '../selectors/match.js';
import { selectionId, type PodSelection } from '../selectors/selector-index.js';
import { subtractCidrs } from '../addresses/cidr-sets.js';

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
    }
  | {
      readonly kind: 'blocks';
      readonly id: GroupId;
      readonly title: string;
      readonly cidrs: ReturnType<typeof subtractCidrs>;
    };

export interface CompiledRules {
  readonly list: RuleList;
  readonly groups: ReadonlyMap<GroupId, GroupDefinition>;
}

const everyPod: PodSelection = { namespaces: { requirements: [] }, pods: { requirements: [] } };

/** What a policy allows in one direction: peers times ports, as rules over groups. */
export function compileRules(policy: NetworkPolicy, direction: Direction, logsAllowed = false): CompiledRules {
  const groups = new Map<GroupId, GroupDefinition>();
  const name = (definition: GroupDefinition): GroupId => {
    groups.set(definition.id, definition);
    return definition.id;
  };
  const rules: AllowRule[] = [];
  (policy[direction] ?? []).forEach((rule, ruleIndex) => {
    for (const [peer, peerIndex] of numbered(rule.peers, 'anyone'))
      for (const [port, portIndex] of numbered(rule.ports, 'anyPort')) {
        const peerMatch = matchPeer(policy, peer, name);
        const portMatch = matchPort({ policy, direction, peer, port }, name);
        if (peerMatch === undefined || portMatch === undefined) continue;
        const origin: RuleOrigin = {
          policy: policy.ref,
          direction,
          rule: ruleIndex,
          ...(peerIndex === undefined ? {} : { peer: peerIndex }),
          ...(portIndex === undefined ? {} : { port: portIndex }),
        };
        rules.push({ peer: peerMatch, port: portMatch, origin });
      }
  });
  const used = new Set(
    rules.flatMap(({ peer, port }) => [peer, port].flatMap((match) => ('of' in match ? [match.of] : []))),
  );
  for (const id of groups.keys()) if (!used.has(id)) groups.delete(id);
  const id = ruleListId(policy.ref, direction);
  const list = { id, policy: policy.ref, direction, rules, ...(logsAllowed ? { logsAllowed } : {}) };
  return { list, groups };
}

function numbered<T, W extends string>(
  list: readonly T[] | W,
  word: W,
): readonly (readonly [T | W, number | undefined])[] {
  return typeof list === 'string' ? [[word, undefined]] : list.map((entry, index) => [entry, index]);
}

type Naming = (definition: GroupDefinition) => GroupId;

/** Undefined: matches nothing. */
function matchPeer(policy: NetworkPolicy, peer: Peer | 'anyone', name: Naming): PeerMatch | undefined {
  if (peer === 'anyone') return { kind: 'anyone' };
  if (peer.kind === 'ipBlock') {
    const cidrs = subtractCidrs(peer.cidr, peer.except);
    if (cidrs.length === 0) return undefined;
    const text = cidrs.map(formatCidr).join(' ');
    const except = peer.except.length === 0 ? '' : ` except ${peer.except.map(formatCidr).join(' ')}`;
    return {
      kind: 'members',
      of: name({ kind: 'blocks', id: `blocks ${text}` as GroupId, title: `${formatCidr(peer.cidr)}${except}`, cidrs }),
    };
  }
  const selection = selectionOf(policy, peer);
  return {
    kind: 'members',
    of: name({ kind: 'pods', id: selectionId(selection) as string as GroupId, title: titleOf(selection), selection }),
  };
}

interface PortContext {
  readonly policy: NetworkPolicy;
  readonly direction: Direction;
  readonly peer: Peer | 'anyone';
  readonly port: Port | 'anyPort';
}

/** Undefined: matches nothing. */
function matchPort({ policy, direction, peer, port }: PortContext, name: Naming): PortMatch | undefined {
  if (port === 'anyPort') return { kind: 'anyPort' };
  if (port.kind === 'all') return { kind: 'range', protocol: port.protocol, first: 0, last: 65535 };
  if (port.kind === 'range') return port;
  // A name is resolved at each destination pod: the policy's own subjects, or for egress any pod that the peer selects.
  // A CIDR has no pods to ask (SEMANTICS A6).
  if (direction === 'egress' && peer !== 'anyone' && peer.kind === 'ipBlock') return undefined;
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
