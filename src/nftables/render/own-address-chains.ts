/**
 * What a pod may send from an address of its own, in chains that all guards share. They accept; what returns is denied by
 * the guard that jumped here, which knows whose it is. TCP, which most packets are, and UDP come first.
 *
 * Whatever the node's sysctls are, a pod reaches no loopback address, chooses no route, and talks to no tunnel of a node:
 * a tunnel that asks for no key takes what it is sent for another pod's packet.
 */
import type { Family } from '../../model/address.js';
import {
  accept,
  anyOf,
  back,
  destinationKind,
  extensionHeader,
  headerField,
  inSet,
  ipOption,
  jump,
  masked,
  match,
  notInSet,
  packetAddress,
  packetProtocol,
} from '../language/expressions.js';
import type { Chain, Rule, Statement } from '../language/types.js';
import { chains } from '../names/chains.js';
import { sets } from '../names/sets.js';
import { icmp6Type, rule } from './guard-parts.js';

/** @param tunnels whether the pod may tunnel to nodes */
export const ownAddressChain = (family: Family, tunnels: boolean): string =>
  chains.nameOf({
    kind: 'guard-shared',
    chain: `${family === 'IPv4' ? 'own-ipv4' : 'own-ipv6'}${tunnels ? '-tunnels' : ''}`,
  });

export const listenerReports = chains.nameOf({ kind: 'guard-shared', chain: 'listener-reports' });
export const tunnelPortSet = sets.nameOf({ kind: 'tunnel-ports' });
export const nodeAddressSet = (family: Family): string => sets.nameOf({ kind: 'node-addresses', family });

export function ownAddressChains(tunnels: boolean): Chain[] {
  const title = (family: Family): string =>
    `what a pod may send from an ${family} address of its own${tunnels ? ', tunnels to nodes among it' : ''}`;
  return [
    { name: ownAddressChain('IPv4', tunnels), title: title('IPv4'), rules: rules4(tunnels) },
    { name: ownAddressChain('IPv6', tunnels), title: title('IPv6'), rules: rules6(tunnels) },
  ];
}

/** UDP, and what needs no port: IP in IP, 6in4 and GRE. */
const tunnelOrUdp = ['ipencap', 'udp', 'ipv6', 'gre'];
const noTunnelPort = (): Statement => notInSet(headerField('udp', 'dport'), tunnelPortSet);

function rules4(tunnels: boolean): Rule[] {
  const protocol = headerField('ip', 'protocol');
  const withoutOptions = match(headerField('ip', 'hdrlength'), 5);
  const udp = match(protocol, 'udp');
  // A later fragment has no ports; nothing comes of it without the first.
  const laterFragment = match(masked(headerField('ip', 'frag-off'), 0x1fff), 0, '!=');
  return [
    rule([match(packetAddress('IPv4', 'daddr'), { prefix: { addr: '127.0.0.0', len: 8 } }), back], 'loopback'),
    rule([withoutOptions, match(protocol, 'tcp'), accept]),
    rule([withoutOptions, udp, ...(tunnels ? [] : [noTunnelPort()]), accept]),
    rule([match(ipOption('lsrr'), true), back], 'loose source route'),
    rule([match(ipOption('ssrr'), true), back], 'strict source route'),
    rule([match(protocol, 'igmp'), anyOf(headerField('igmp', 'type'), igmpReports), accept], 'a pod listens'),
    rule([anyOf(protocol, ['igmp', 'pim']), back], 'a pod is no multicast router'),
    rule([match(headerField('icmp', 'type'), 'router-advertisement'), back], 'a pod is no router'),
    ...(tunnels
      ? [rule([accept])]
      : [
          rule([anyOf(protocol, tunnelOrUdp, '!='), accept]),
          rule([udp, noTunnelPort(), accept]),
          rule([udp, laterFragment, accept]),
          rule([inSet(packetAddress('IPv4', 'daddr'), nodeAddressSet('IPv4')), back], 'tunnel to a node'),
          rule([anyOf(destinationKind, terminatedTunnels), back], 'tunnel to this node'),
          rule([accept]),
        ]),
  ];
}

function rules6(tunnels: boolean): Rule[] {
  const next = headerField('ip6', 'nexthdr');
  const udp = match(packetProtocol, 'udp');
  const laterFragment = match(extensionHeader('frag', 'frag-off'), 0, '!=');
  return [
    rule([match(packetAddress('IPv6', 'daddr'), '::1'), back], 'loopback'),
    rule([match(next, 'tcp'), accept]),
    rule([match(next, 'udp'), ...(tunnels ? [] : [noTunnelPort()]), accept]),
    // From here on headers may stand between; a packet in which none is found is never accepted.
    rule([match(extensionHeader('rt', 'seg-left'), 0, '!='), back], 'source route'),
    // Behind another header could stand a second one, which nobody looks at.
    rule([anyOf(extensionHeader('rt', 'nexthdr'), ['tcp', 'udp', 'ipv6-icmp'], '!='), back], 'second source route'),
    rule([anyOf(icmp6Type, messagesOfALink, '!='), accept]),
    rule([jump(listenerReports)]),
    rule([match(packetProtocol, 'ipv6-icmp'), laterFragment, accept]),
    rule([anyOf(packetProtocol, ['ipv6-icmp', 'pim']), back], 'neighbour discovery, and multicast routers'),
    ...(tunnels
      ? [rule([anyOf(packetProtocol, ['ipv6-icmp', 'pim'], '!='), accept])]
      : [
          rule([anyOf(packetProtocol, tunnelOrUdp, '!='), accept]),
          rule([noTunnelPort(), accept]),
          rule([udp, laterFragment, accept]),
          rule([inSet(packetAddress('IPv6', 'daddr'), nodeAddressSet('IPv6')), back], 'tunnel to a node'),
          rule([anyOf(destinationKind, terminatedTunnels), back], 'tunnel to this node'),
          rule([anyOf(packetProtocol, tunnelOrUdp), accept]),
        ]),
  ];
}

const terminatedTunnels = ['local', 'broadcast', 'anycast', 'multicast'];

const igmpReports = ['membership-report-v1', 'membership-report-v2', 'leave-group', 'membership-report-v3'];

/** Neighbour discovery, also inverse and secured, and of multicast listeners and routers (RFC 4286, the last three). */
export const messagesOfALink = [
  'mld-listener-query',
  'mld-listener-report',
  'mld-listener-done',
  'nd-router-solicit',
  'nd-router-advert',
  'nd-neighbor-solicit',
  'nd-neighbor-advert',
  'nd-redirect',
  'ind-neighbor-solicit',
  'ind-neighbor-advert',
  'mld2-listener-report',
  148,
  149,
  151,
  152,
  153,
];
