/** How records name transport protocols and TCP flags. */
import { ipProtocols } from '../model/observation.js';

/** By IANA number; a record names every other protocol by its number. */
export const transportNames: Readonly<Record<number, string>> = {
  [ipProtocols.icmp]: 'icmp',
  [ipProtocols.tcp]: 'tcp',
  [ipProtocols.udp]: 'udp',
  [ipProtocols.icmpv6]: 'ipv6-icmp',
  [ipProtocols.sctp]: 'sctp',
};

/** In the order of their bits, the lowest first. */
export const tcpFlags: readonly string[] = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];
