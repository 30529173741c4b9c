/** IPv6 packets by hand: extension headers, ICMPv6 errors, neighbour discovery and multicast listener reports. */
import { addressBytes, IPPROTO_ICMPV6 } from './libc.js';
import { checksum, pseudoHeader, type IpHeader } from './packets.js';

export type Endpoints = Pick<IpHeader, 'source' | 'destination'>;

export const ipv6NextHeader = { hopByHop: 0, fragment: 44, icmpv6: IPPROTO_ICMPV6, destinationOptions: 60 } as const;

/** `ttl` is the hop limit. */
export function ipv6Packet({ source, destination, protocol, ttl = 64 }: IpHeader, payload: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(payload.length, 4);
  header.writeUInt8(protocol, 6);
  header.writeUInt8(ttl, 7);
  addressBytes(source).copy(header, 8);
  addressBytes(destination).copy(header, 24);
  return Buffer.concat([header, payload]);
}

/** A hop-by-hop or destination options header of 8 bytes (the router alert that MLD needs, or padding) and what follows. */
export function withOptions(nextHeader: number, payload: Buffer, option: 'routerAlert' | 'padding'): Buffer {
  const options = option === 'routerAlert' ? [5, 2, 0, 0, 1, 0] : [1, 4, 0, 0, 0, 0];
  return Buffer.concat([Buffer.from([nextHeader, 0, ...options]), payload]);
}

export interface FragmentHeader {
  readonly nextHeader: number;
  /** In bytes, a multiple of 8. */
  readonly offset: number;
  readonly more: boolean;
}

export function withFragmentHeader({ nextHeader, offset, more }: FragmentHeader, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(nextHeader, 0);
  header.writeUInt16BE(offset | (more ? 1 : 0), 2);
  header.writeUInt32BE(0x12345678, 4);
  return Buffer.concat([header, payload]);
}

export interface Icmpv6Type {
  readonly type: number;
  readonly code?: number;
}

/** An ICMPv6 message with its checksum, which covers the addresses. `body` is what follows the first four bytes. */
export function icmpv6Message(endpoints: Endpoints, { type, code = 0 }: Icmpv6Type, body: Buffer): Buffer {
  const message = Buffer.concat([Buffer.from([type, code, 0, 0]), body]);
  const pseudo = pseudoHeader({ ...endpoints, protocol: IPPROTO_ICMPV6 }, message.length);
  message.writeUInt16BE(checksum(pseudo, message), 2);
  return message;
}

/** An error (destination unreachable 1, packet too big 2, time exceeded 3) that quotes the head of a packet. */
export const icmpv6Error = (endpoints: Endpoints, type: Icmpv6Type, quoted: Buffer): Buffer =>
  icmpv6Message(endpoints, type, Buffer.concat([Buffer.alloc(4), quoted]));

export interface Neighbour {
  readonly target: string;
  readonly hardware: Buffer;
  /** Bytes that ride along in an option that nobody knows: padded to 8, as options are. */
  readonly payload?: Buffer;
}

/** Type 135. */
export const neighbourSolicitation = (endpoints: Endpoints, neighbour: Neighbour): Buffer =>
  icmpv6Message(endpoints, { type: 135 }, neighbourBody(neighbour, 0, 1));

/** Type 136, solicited and overriding. */
export const neighbourAdvertisement = (endpoints: Endpoints, neighbour: Neighbour): Buffer =>
  icmpv6Message(endpoints, { type: 136 }, neighbourBody(neighbour, 0x60, 2));

function neighbourBody({ target, hardware, payload }: Neighbour, flags: number, option: 1 | 2): Buffer {
  const parts = [Buffer.from([flags, 0, 0, 0]), addressBytes(target), Buffer.from([option, 1]), hardware];
  if (payload !== undefined) parts.push(...unknownOption(payload));
  return Buffer.concat(parts);
}

export const neighbourTarget = addressBytes;

/** Of neighbour discovery: padded to 8 bytes; none for no bytes. */
export function unknownOption(payload: Buffer | string): Buffer[] {
  const bytes = Buffer.from(payload as Buffer);
  if (bytes.length === 0) return [];
  const length = Math.ceil((bytes.length + 2) / 8);
  return [Buffer.from([253, length]), bytes, Buffer.alloc(8 * length - 2 - bytes.length)];
}

/** The packet with a routing header (type 0) before what it carries. @param left segments that are still to be visited */
export function routed(packet: Buffer, segment: string, left: number): Buffer {
  const body = Buffer.concat([
    Buffer.from([packet[6] ?? 0, 2, 0, left, 0, 0, 0, 0]),
    addressBytes(segment),
    packet.subarray(40),
  ]);
  const header = Buffer.from(packet.subarray(0, 40));
  header.writeUInt16BE(body.length, 4);
  header.writeUInt8(43, 6);
  return Buffer.concat([header, body]);
}

/** Type 134: whoever believes it takes the sender for its router. */
export function routerAdvertisement(endpoints: Endpoints, lifetime = 1800): Buffer {
  const body = Buffer.alloc(12);
  body.writeUInt8(64, 0);
  body.writeUInt16BE(lifetime, 2);
  return icmpv6Message(endpoints, { type: 134 }, body);
}

/** Type 143 (MLDv2 report) for one group; the bytes that follow are auxiliary data. */
export function listenerReport(endpoints: Endpoints, group: string, auxiliary: Buffer = Buffer.alloc(0)): Buffer {
  if (auxiliary.length % 4 !== 0) throw new Error('auxiliary data comes in words of 4 bytes');
  const record = Buffer.concat([Buffer.from([4, auxiliary.length / 4, 0, 0]), addressBytes(group), auxiliary]);
  return icmpv6Message(endpoints, { type: 143 }, Buffer.concat([Buffer.from([0, 0, 0, 1]), record]));
}
