import type { Address } from './address.js';

/** One packet as a log rule saw it: its headers, and nothing of what it carries. */
export interface Observation {
  /** When the kernel saw it, in milliseconds since the epoch, with fractions. */
  readonly time: number;
  /** What the log rule wrote before it. */
  readonly prefix: string;
  /** The device that it came in by. */
  readonly device?: string;
  readonly source: Address;
  readonly destination: Address;
  /** IANA number of what follows the IP headers. */
  readonly protocol: number;
  /** Absent where the protocol has none, and in all fragments but the first. */
  readonly ports?: { readonly source: number; readonly destination: number };
  readonly icmp?: { readonly type: number; readonly code: number };
  /** The 8 bits of TCP, FIN lowest. */
  readonly tcpFlags?: number;
  /** Of the whole packet, IP header included. */
  readonly bytes: number;
}

/** What was read at once. */
export interface ObservedBatch {
  readonly observations: readonly Observation[];
  /** Packets that the kernel logged and could not send, and the times of those before and after. */
  readonly missed?: { readonly count: number; readonly start: number; readonly end: number };
  /** Packets that say neither source nor destination. */
  readonly unreadable: number;
}

export const ipProtocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;
