/**
 * What a pod may claim on its link: an address of its own, at its own hardware address, in messages that have room for
 * nothing else. What it claims is the target of an advertisement and of a solicitation from `::`, the source of any other
 * solicitation, and in ARP its sender, in a probe its target.
 *
 * Its own link-local addresses are the one that follows from its hardware address and a few others that it announced before
 * anyone else (RFC 7217). Those must not look as if they followed from a hardware address: it would be another's.
 */
import type { Attachment } from '../../model/attachment.js';
import type { Address } from '../../model/address.js';
import { objectKey } from '../../model/pod.js';
import { emptySet } from '../language/empty-set.js';
import {
  accept,
  anyOf,
  back,
  bits,
  neighbourTarget,
  headerField,
  inSet,
  jump,
  masked,
  match,
  notInSet,
  packetAddress,
  record,
} from '../language/expressions.js';
import type { Chain, Expression, NftSet, Rule, Statement } from '../language/types.js';
import { chains } from '../names/chains.js';
import { sets } from '../names/sets.js';
import {
  hardwareNumber,
  icmp6Type,
  linkLocal,
  linkLocalOf,
  oneOfAddresses,
  oneOfNumbers,
  own,
  packetLength,
  rule,
  sorted,
} from './guard-parts.js';
import { listenerReports } from './own-address-chains.js';

const messages = chains.nameOf({ kind: 'guard-shared', chain: 'neighbour-messages' });
const claimsSet = sets.nameOf({ kind: 'link-local-claims' });
const ownSet = (ifindex: number): string => sets.nameOf({ kind: 'link-local', ifindex });

/** Link-local addresses that a pod may have beside the one of its hardware address. */
const announced = 4;
/** Of all pods; a place is free again after so long, and its address is then for whoever announces it first. */
const allAnnounced = { size: 65_536, timeoutSeconds: 24 * 60 * 60 };

/** The hook counts no Ethernet header: an ARP packet of 28 bytes, and what pads a frame to the least length. */
const arpLength = match(packetLength, 46, '<=');

/** @returns rules of the guard itself */
export function arpClaims({ addresses, hardware }: Attachment): Rule[] {
  const mine = own(addresses, 'IPv4');
  if (mine.length === 0) return [];
  const at = hardware === undefined ? [] : [match(headerField('arp', 'saddr ether'), hardware)];
  const sender = headerField('arp', 'saddr ip');
  return [
    rule([arpLength, ...at, oneOfAddresses(sender, mine), accept], 'ARP'),
    // A probe (RFC 5227), sent before an address is used.
    rule([arpLength, ...at, match(sender, '0.0.0.0'), oneOfAddresses(headerField('arp', 'daddr ip'), mine), accept]),
  ];
}

/** @returns rules of the guard itself */
export const neighbourClaims = ({ device }: Attachment): Rule[] => [
  rule([
    match(headerField('ip6', 'nexthdr'), 'ipv6-icmp'),
    match(headerField('ip6', 'hoplimit'), 255),
    jump(chains.nameOf({ kind: 'neighbour-claims', device })),
  ]),
  rule([linkLocalOr('::'), jump(listenerReports)], 'multicast listener reports'),
];

const source6 = packetAddress('IPv6', 'saddr');
/** @param addresses sorted, none of them link-local */
const linkLocalOr = (...addresses: readonly string[]): Statement => anyOf(source6, [...addresses, linkLocal]);

/** Where ICMPv6 messages have an address or an option, in bits. */
const source = bits('nh', 64, 128);
const firstOption = { NS: 192, RS: 64 };
const optionBits = 64;
/** Type and length (in eights of bytes) of the options that may be there. */
const [sourceLinkLayer, targetLinkLayer, nonce] = [0x0101, 0x0201, 0x0e01];
const optionAt = (offset: number): Expression => bits('th', offset, 16);

/** @param learns whether the pod may have link-local addresses of its own choice */
export function neighbourClaimsChain(attachment: Attachment, learns: boolean): Chain {
  const { pod, device, ifindex, hardware, addresses } = attachment;
  const mine = [...own(addresses, 'IPv6'), ...(hardware === undefined ? [] : [linkLocalOf(hardware)])];
  return {
    name: chains.nameOf({ kind: 'neighbour-claims', device }),
    title: `${objectKey(pod)}: what it may claim in neighbour discovery`,
    rules: [
      ...(hardware === undefined ? [] : foreignOptions(hardware)),
      ...(mine.length === 0 ? [] : known(mine)),
      rule([match(icmp6Type, 'nd-router-solicit'), match(source6, '::'), jump(messages)]),
      ...(learns ? learnt(ownSet(ifindex), own(addresses, 'IPv6'), hardware !== undefined) : []),
    ],
  };
}

/** A link-layer address option of another's address, wherever it stands. */
function foreignOptions(hardware: string): Rule[] {
  const foreign = (offset: number, option: number): Statement[] => [
    match(optionAt(offset), option),
    match(bits('th', offset + 16, 48), hardwareNumber(hardware), '!='),
    back,
  ];
  const second = firstOption.NS + optionBits;
  return [
    rule(foreign(firstOption.NS, sourceLinkLayer), 'hardware address of another'),
    rule(foreign(firstOption.NS, targetLinkLayer), 'hardware address of another'),
    rule(foreign(second, sourceLinkLayer), 'hardware address of another'),
    rule(
      [match(icmp6Type, 'nd-router-solicit'), ...foreign(firstOption.RS, sourceLinkLayer)],
      'hardware address of another',
    ),
  ];
}

const solicitations = anyOf(icmp6Type, ['nd-router-solicit', 'nd-neighbor-solicit']);

const known = (mine: readonly Address[]): Rule[] => [
  rule([solicitations, oneOfAddresses(source6, mine), jump(messages)]),
  // The source is the pod's own or link-local: the guard has seen to that, or sees to it with the next rule's set.
  rule([...advertises(mine), oneOfNumbers(neighbourTarget, mine), jump(messages)]),
  rule([...detectsDuplicates, oneOfNumbers(neighbourTarget, mine), jump(messages)], 'duplicate address detection'),
];

const advertises = (mine: readonly Address[]): Statement[] => [
  match(icmp6Type, 'nd-neighbor-advert'),
  linkLocalOr(...sorted(mine.filter((address) => !address.startsWith('fe80:')))),
];
const detectsDuplicates: readonly Statement[] = [match(icmp6Type, 'nd-neighbor-solicit'), match(source6, '::')];

/**
 * @param mine the pod's global addresses
 * @param isHardwareKnown whether the address that follows from the pod's hardware address need not be announced
 */
function learnt(set: string, mine: readonly Address[], isHardwareKnown: boolean): Rule[] {
  const isChosen = (field: Expression, headerBits: 'nh' | 'th'): Statement[] => [
    match(masked(bits(headerBits, 64, 16), 0xffc0), 0xfe80),
    ...(isHardwareKnown ? [match(bits(headerBits, 64 + 88, 16), 0xfffe, '!=')] : []),
    notInSet(field, claimsSet),
    record('add', field, set),
    record('add', field, claimsSet),
    jump(messages),
  ];
  return [
    rule([...advertises(mine), inSet(neighbourTarget, set), jump(messages)]),
    rule([...advertises(mine), ...isChosen(neighbourTarget, 'th')], 'announces a link-local address'),
    rule([...detectsDuplicates, inSet(neighbourTarget, set), jump(messages)]),
    rule([...detectsDuplicates, ...isChosen(neighbourTarget, 'th')], 'announces a link-local address'),
    // Solicitations with a source remain. In a rule that says so nft would know the bits for an address, not a number.
    rule([match(source6, '::'), back]),
    rule([anyOf(icmp6Type, ['nd-router-solicit', 'nd-neighbor-solicit'], '!='), back]),
    rule([inSet(source, set), jump(messages)]),
    rule(isChosen(source, 'nh'), 'announces a link-local address'),
  ];
}

export const linkLocalSets = (attachments: readonly Attachment[]): NftSet[] => [
  { ...emptySet(claimsSet, ['integer']), dynamic: allAnnounced, title: 'link-local addresses that pods have chosen' },
  ...attachments.map(({ ifindex, hardware, pod }) => ({
    ...emptySet(ownSet(ifindex), ['integer']),
    dynamic: { size: announced + (hardware === undefined ? 1 : 0) },
    title: `${objectKey(pod)}: link-local addresses that it has chosen`,
  })),
];

/** Messages as they may be: with the options that they need and nothing behind them. */
export function neighbourChains(): Chain[] {
  const bytes = (length: number): Statement => match(packetLength, length);
  const [first, second] = [optionAt(firstOption.NS), optionAt(firstOption.NS + optionBits)];
  const [solicits, advert, asksRouter] = ['nd-neighbor-solicit', 'nd-neighbor-advert', 'nd-router-solicit'].map(
    (type) => match(icmp6Type, type),
  ) as [Statement, Statement, Statement];
  const both = (one: number, other: number): Rule =>
    rule([solicits, bytes(80), match(first, one), match(second, other), accept]);
  return [
    {
      name: messages,
      title: 'neighbour discovery without room for anything else',
      rules: [
        rule([solicits, bytes(64), accept]),
        rule([solicits, bytes(72), anyOf(first, [sourceLinkLayer, nonce]), accept]),
        both(sourceLinkLayer, nonce),
        both(nonce, sourceLinkLayer),
        rule([advert, bytes(64), accept]),
        rule([advert, bytes(72), match(first, targetLinkLayer), accept]),
        rule([asksRouter, bytes(48), accept]),
        rule([asksRouter, bytes(56), match(optionAt(firstOption.RS), sourceLinkLayer), accept]),
      ],
    },
    {
      name: listenerReports,
      title: 'to which groups a pod listens',
      rules: [
        rule([
          match(packetAddress('IPv6', 'daddr'), { prefix: { addr: 'ff00::', len: 8 } }),
          anyOf(icmp6Type, ['mld-listener-report', 'mld-listener-done', 'mld2-listener-report']),
          accept,
        ]),
      ],
    },
  ];
}
