/**
 * What may reach a bridged pod from its bridge: its own addresses, neighbour discovery, and what goes to many (broadcast,
 * multicast) from a pod that no policy isolates for egress to one that none isolates for ingress. No rule of the policy
 * table knows the destination of such frames.
 */
import type { Attachment } from '../../model/attachment.js';
import { families, type Address, type Family } from '../../model/address.js';
import { objectKey } from '../../model/pod.js';
import type { PolicyMode } from '../../model/policy-mode.js';
import { emptySet } from '../language/empty-set.js';
import {
  accept,
  anyOf,
  drop,
  headerField,
  inSet,
  jump,
  match,
  packetAddress,
  packetProtocol,
} from '../language/expressions.js';
import { addressType } from '../language/key-types.js';
import type { Chain, NftSet, Rule, Statement } from '../language/types.js';
import { chains } from '../names/chains.js';
import { sets } from '../names/sets.js';
import {
  hookOn,
  icmp6Type,
  linkLocal,
  linkLocalOf,
  logRules,
  metaProtocol,
  own,
  ownAddress,
  packetLength,
  packetType,
  rule,
} from './guard-parts.js';
import type { AuditRules } from './log-rules.js';
import { messagesOfALink } from './own-address-chains.js';

interface BridgeGuardOptions {
  readonly audit?: AuditRules;
  readonly mode?: PolicyMode;
  /** No policy isolates the pod for ingress. */
  readonly isOpen: boolean;
}

const multicast = chains.nameOf({ kind: 'guard-shared', chain: 'multicast' });
const senderSet = (family: Family): string => sets.nameOf({ kind: 'multicast-senders', family });

const destination6 = packetAddress('IPv6', 'daddr');
const linkScopeMulticast = { prefix: { addr: 'ff02::', len: 16 } };
/** The hook counts Ethernet's 14 bytes: frames of the least length, and the longest message that pods may send. */
const atMost = (bytes: number): Statement => match(packetLength, 14 + bytes, '<=');

/**
 * Logged is what others send to many, or to a link-local address, and what may carry something: a bridge that floods shows
 * every pod frames for others, and multicast's own housekeeping is no flow.
 */
export function bridgeGuardChain({ pod, device, addresses }: Attachment, options: BridgeGuardOptions): Chain {
  const name = chains.nameOf({ kind: 'egress-guard', device });
  const denied = { chain: name, at: 'bridge', ...options } as const;
  const carries = anyOf(packetProtocol, ['icmp', 'tcp', 'udp', 'sctp']);
  const toLink = anyOf(destination6, [linkLocal, linkScopeMulticast]);
  const hops = match(headerField('ip6', 'hoplimit'), 255);
  return {
    name,
    title: `${objectKey(pod)}: what may reach it`,
    hook: hookOn(device, 'egress', options.mode),
    rules: [
      // First: a priority tag stands beside the frame here, so an address rule would match what no policy has seen.
      rule([untagged, options.mode === 'dry-run' ? accept : drop], `${objectKey(pod)}: IP and ARP only`),
      ...families.flatMap((family) =>
        own(addresses, family).map((address) =>
          rule([match(packetAddress(family, 'daddr'), address), accept], ownAddress({ pod })),
        ),
      ),
      rule([atMost(46), match(metaProtocol, 'arp'), accept]),
      rule(
        [toLink, hops, anyOf(icmp6Type, ['nd-neighbor-solicit', 'nd-neighbor-advert']), atMost(80), accept],
        'neighbour discovery',
      ),
      rule([toLink, hops, match(icmp6Type, 'nd-router-advert'), accept], 'neighbour discovery'),
      rule([match(destination6, linkScopeMulticast), match(icmp6Type, 'mld-listener-query'), accept], 'MLD query'),
      ...(options.isOpen ? [rule([anyOf(packetType, ['broadcast', 'multicast']), jump(multicast)])] : []),
      ...logRules(denied, anyOf(packetType, ['broadcast', 'multicast']), carries),
      ...logRules(denied, match(destination6, linkLocal), carries),
    ],
  };
}

const untagged = anyOf(headerField('ether', 'type'), ['ip', 'arp', 'ip6'], '!=');

/** Queries, and what open pods send; no listener's report and no router's message reaches a pod. */
export const multicastChain = (): Chain => ({
  name: multicast,
  title: 'to many, between pods that no policy isolates',
  rules: [
    rule([match(metaProtocol, 'ip'), match(headerField('igmp', 'type'), 'membership-query'), accept], 'IGMP query'),
    rule([
      inSet(packetAddress('IPv4', 'saddr'), senderSet('IPv4')),
      match(headerField('ip', 'protocol'), 'igmp', '!='),
      accept,
    ]),
    rule([inSet(packetAddress('IPv6', 'saddr'), senderSet('IPv6')), anyOf(icmp6Type, messagesOfALink, '!='), accept]),
    rule([
      inSet(packetAddress('IPv6', 'saddr'), senderSet('IPv6')),
      anyOf(packetProtocol, ['ipv6-icmp', 'pim'], '!='),
      accept,
    ]),
  ],
});

/** Addresses from which the pod may send to many: its own, and the link-local one that follows from its hardware address. */
const sendersOf = ({ addresses, hardware }: Attachment): readonly Address[] =>
  hardware === undefined ? addresses : [...addresses, linkLocalOf(hardware)];

/** @param senders bridged pods that no policy isolates for egress */
export const multicastSets = (senders: readonly Attachment[]): NftSet[] =>
  families.map((family) => ({
    ...emptySet(senderSet(family), [addressType(family)]),
    title: 'addresses of bridged pods that no policy isolates for egress',
    elements: new Map(senders.flatMap(sendersOf).flatMap((address) => own([address], family).map((one) => [one, '']))),
  }));

/** Of the guard of an open pod: to a group it may also send from its link-local address. @param chain of its own addresses */
export const multicastFromLinkLocal = ({ hardware }: Attachment, chain: string): Rule[] =>
  hardware === undefined
    ? []
    : [
        rule(
          [
            match(packetAddress('IPv6', 'saddr'), linkLocalOf(hardware)),
            match(destination6, { prefix: { addr: 'ff00::', len: 8 } }),
            jump(chain),
          ],
          'multicast from its link-local address',
        ),
      ];
