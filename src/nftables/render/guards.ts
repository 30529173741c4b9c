import { families, familyOf, type Address, type Family } from '../../model/address.js';
import type { PolicyMode } from '../../model/policy-mode.js';
import type { Attachment } from '../../model/attachment.js';
import { objectKey } from '../../model/pod.js';
import { logTo, type AuditRules } from './log-rules.js';
import {
  accept,
  anyOf,
  count,
  drop,
  headerField,
  limit,
  match,
  packetAddress,
  packetProtocol,
  type Expression,
} from '../language/expressions.js';
import type { Chain, Hook, Rule, Ruleset, Statement } from '../language/types.js';
import { chains } from '../names/chains.js';
import { commentOf } from '../language/comment-text.js';
import { counters } from '../names/counters.js';

export interface GuardOptions {
  /** Namespaces whose pods may send with any source: their veths get no guard. */
  readonly sourceGuardOffNamespaces: ReadonlySet<string>;
  /** What a pod may not send is logged. */
  readonly audit?: AuditRules;
  /** `dry-run`: nothing is dropped. */
  readonly mode?: PolicyMode;
}

type GuardPoint = 'guard' | 'bridge';

/** Of all guards: IP packets that were (or would be) dropped, and of them those that were logged. */
const dropped = (at: GuardPoint, mode: PolicyMode): string =>
  counters.nameOf({ kind: mode === 'enforce' ? 'guard-drop' : 'guard-to-report', at });
const logged = (at: GuardPoint, mode: PolicyMode): string =>
  counters.nameOf({ kind: mode === 'enforce' ? 'guard-logged' : 'guard-logged-report', at });

const countersOf = ({ audit, mode = 'enforce' }: GuardOptions): readonly string[] =>
  audit === undefined ? [] : (['guard', 'bridge'] as const).flatMap((at) => [dropped(at, mode), logged(at, mode)]);

/**
 * `table netdev podwall`: one chain per pod veth that binds the pod's addresses to that device, and for a bridged pod
 * one more for what reaches it. The chain's name carries the device, since nft's JSON listing leaves it out.
 */
export function renderGuards(attachments: readonly Attachment[], options: GuardOptions): Ruleset {
  const found = new Map<string, Chain>();
  const add = (chain: Chain): void => void found.set(chain.name, chain);
  for (const attachment of onePerDevice(attachments)) {
    const hasGuard = !options.sourceGuardOffNamespaces.has(attachment.pod.namespace);
    if (hasGuard) add(guardChain(attachment, options));
    if (attachment.kind === 'bridged') add(egressGuardChain(attachment, options));
  }
  return {
    family: 'netdev',
    table: 'podwall',
    title: 'Podwall: the addresses that each pod of this node has on its own device',
    counters: new Set(countersOf(options)),
    sets: new Map(),
    chains: found,
  };
}

/** While an address passes from an old pod to a new one, both may be found on one veth: it may then send as either. */
function onePerDevice(attachments: readonly Attachment[]): Iterable<Attachment> {
  const devices = new Map<string, Attachment>();
  for (const attachment of attachments) {
    const other = devices.get(attachment.device);
    const addresses = [...new Set([...(other?.addresses ?? []), ...attachment.addresses])];
    devices.set(attachment.device, { ...attachment, addresses });
  }
  return devices.values();
}

/** Before anything else on the device. */
const priority = -500;
const hookOn = (device: string, hook: 'ingress' | 'egress', policy: Hook['policy']): Hook => ({
  type: 'filter',
  hook,
  priority,
  policy,
  device,
});

const linkLocal = { prefix: { addr: 'fe80::', len: 10 } };
const linkScopeMulticast = { prefix: { addr: 'ff02::', len: 16 } };
const icmp6Type = headerField('icmpv6', 'type');
const source6 = packetAddress('IPv6', 'saddr');
const destination6 = packetAddress('IPv6', 'daddr');

/** What the pod may send: nothing that does not carry its own addresses. */
function guardChain({ pod, device, addresses }: Attachment, options: GuardOptions): Chain {
  const name = chains.nameOf({ kind: 'guard', device });
  const refuse = options.mode === 'dry-run' ? accept : drop;
  const denied = { chain: name, at: 'guard', ...options } as const;
  const noRouter = anyOf(icmp6Type, ['nd-router-advert', 'nd-redirect']);
  const rules = [
    // First: the kernel has already taken a VLAN 0 tag off, so an address rule would match a tagged frame.
    rule(
      [anyOf(headerField('ether', 'type'), ['ip', 'arp', 'ip6'], '!='), refuse],
      `${objectKey(pod)}: IP and ARP only`,
    ),
    ...own(addresses, 'IPv4').map((address) =>
      rule([match(packetAddress('IPv4', 'saddr'), address), accept], `${objectKey(pod)}: own address`),
    ),
    // 0.0.0.0 is an ARP probe (RFC 5227), sent before an address is used.
    rule([arpSender(own(addresses, 'IPv4')), accept]),
    ...logRules(denied, noRouter),
    rule([noRouter, refuse], 'a pod is no router'),
    ...own(addresses, 'IPv6').map((address) =>
      rule([match(source6, address), accept], `${objectKey(pod)}: own address`),
    ),
    // No policy knows a link-local address: nothing but neighbour discovery and MLD reports may use one.
    rule([match(source6, linkLocal), anyOf(icmp6Type, neighbourTypes), accept], 'neighbour discovery'),
    rule(
      [match(source6, '::'), anyOf(icmp6Type, ['nd-neighbor-solicit', 'mld2-listener-report']), accept],
      'duplicate address detection',
    ),
    ...logRules(denied, anyOf(metaProtocol, ['ip', 'ip6'])),
  ];
  const hook = hookOn(device, 'ingress', options.mode === 'dry-run' ? 'accept' : 'drop');
  return { name, title: `${objectKey(pod)}: what it may send`, hook, rules };
}

interface Denied extends Pick<GuardOptions, 'audit' | 'mode'> {
  readonly chain: string;
  readonly at: GuardPoint;
}

/** Each chain has a limit of its own: it is one pod's. */
function logRules({ chain, at, audit, mode = 'enforce' }: Denied, ...which: readonly Statement[]): Rule[] {
  if (audit === undefined) return [];
  const { pairRate, pairBurst } = audit;
  return [
    rule([...which, count(dropped(at, mode))]),
    rule([...which, limit(pairRate, pairBurst), count(logged(at, mode)), logTo(chain, 'packet', audit)]),
  ];
}

/** nft lists a set of one as the value itself. */
const arpSender = (addresses: readonly Address[]): Statement => {
  const senders = ['0.0.0.0', ...addresses].sort(byNumber);
  const field = headerField('arp', 'saddr ip');
  const [only = '', ...others] = senders;
  return others.length === 0 ? match(field, only) : anyOf(field, senders);
};

const neighbourTypes = [
  'mld-listener-report',
  'nd-router-solicit',
  'nd-neighbor-solicit',
  'nd-neighbor-advert',
  'mld2-listener-report',
];

/**
 * What may reach a bridged pod: its own addresses only. Broadcast, multicast and link-local frames pass a bridge without
 * meeting any rule that knows the pod. Logged is what others send to many, or to a link-local address, and what may carry
 * something: a bridge that floods shows every pod frames for others, and multicast's own housekeeping is no flow.
 */
function egressGuardChain({ pod, device, addresses }: Attachment, options: GuardOptions): Chain {
  const name = chains.nameOf({ kind: 'egress-guard', device });
  const denied = { chain: name, at: 'bridge', ...options } as const;
  const carries = anyOf(packetProtocol, ['icmp', 'tcp', 'udp', 'sctp']);
  const rules = [
    ...families.flatMap((family) =>
      own(addresses, family).map((address) =>
        rule([match(packetAddress(family, 'daddr'), address), accept], `${objectKey(pod)}: own address`),
      ),
    ),
    rule([match(metaProtocol, 'arp'), accept]),
    rule(
      [
        match(destination6, { set: [linkLocal, linkScopeMulticast] }),
        match(headerField('ip6', 'hoplimit'), 255),
        anyOf(icmp6Type, ['nd-router-advert', 'nd-neighbor-solicit', 'nd-neighbor-advert']),
        accept,
      ],
      'neighbour discovery',
    ),
    rule([match(destination6, linkScopeMulticast), match(icmp6Type, 'mld-listener-query'), accept], 'MLD query'),
    ...logRules(denied, anyOf(packetType, ['broadcast', 'multicast']), carries),
    ...logRules(denied, match(destination6, linkLocal), carries),
  ];
  const hook = hookOn(device, 'egress', options.mode === 'dry-run' ? 'accept' : 'drop');
  return { name, title: `${objectKey(pod)}: what may reach it`, hook, rules };
}

/** Whether the frame was broadcast, multicast or for one host; frames of the node itself are neither of the first two. */
const packetType: Expression = { meta: { key: 'pkttype' } };
const metaProtocol: Expression = { meta: { key: 'protocol' } };

const own = (addresses: readonly Address[], family: Family): readonly Address[] =>
  addresses.filter((address) => familyOf(address) === family);

/** nft lists a set's addresses by value. */
const byNumber = (a: string, b: string): number => {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (let index = 0; index < 4; index += 1) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};

const rule = (statements: readonly Statement[], comment?: string): Rule => ({
  statements,
  ...(comment === undefined ? {} : { comment: commentOf(comment) }),
});
