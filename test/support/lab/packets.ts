/** Packets by hand: what no ordinary socket sends. */
import { addressBytes } from './libc.js';

/** RFC 1071. */
export function checksum(...parts: readonly Buffer[]): number {
  const data = Buffer.concat(parts);
  let sum = 0;
  for (let index = 0; index < data.length; index += 2) sum += (data[index] ?? 0) * 256 + (data[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Castagnoli CRC, as SCTP wants it (RFC 9260, appendix A). */
export function crc32c(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

export interface Segment {
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** An SCTP packet with an INIT (1) or INIT ACK (2) chunk. */
export function sctpInit({ sourcePort, destinationPort }: Segment, type: 1 | 2, tag: number): Buffer {
  const packet = Buffer.alloc(12 + 20);
  packet.writeUInt16BE(sourcePort, 0);
  packet.writeUInt16BE(destinationPort, 2);
  packet.writeUInt32BE(tag, 4);
  packet.writeUInt8(type, 12);
  packet.writeUInt16BE(20, 14);
  packet.writeUInt32BE(0x01020304, 16);
  packet.writeUInt32BE(65536, 20);
  packet.writeUInt16BE(1, 24);
  packet.writeUInt16BE(1, 26);
  packet.writeUInt32BE(1, 28);
  packet.writeUInt32LE(crc32c(packet), 8);
  return packet;
}

/** An SCTP packet with one chunk of another type, for example DATA (0), HEARTBEAT (4), COOKIE ECHO (10). */
export function sctpChunk({ sourcePort, destinationPort }: Segment, type: number, tag: number, value: Buffer): Buffer {
  const packet = Buffer.alloc(12 + 4 + Math.ceil(value.length / 4) * 4);
  packet.writeUInt16BE(sourcePort, 0);
  packet.writeUInt16BE(destinationPort, 2);
  packet.writeUInt32BE(tag, 4);
  packet.writeUInt8(type, 12);
  packet.writeUInt16BE(4 + value.length, 14);
  value.copy(packet, 16);
  packet.writeUInt32LE(crc32c(packet), 8);
  return packet;
}

export function icmpEcho(version: 4 | 6, identifier: number): Buffer {
  const packet = Buffer.alloc(16);
  packet.writeUInt8(version === 4 ? 8 : 128, 0);
  packet.writeUInt16BE(identifier, 4);
  packet.write('podwall!', 8);
  // The kernel fills in ICMPv6's checksum, which covers addresses.
  if (version === 4) packet.writeUInt16BE(checksum(packet), 2);
  return packet;
}

export interface IpHeader {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly ttl?: number;
}

export function ipv4Packet({ source, destination, protocol, ttl = 64 }: IpHeader, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(0x4000, 6);
  header.writeUInt8(ttl, 8);
  header.writeUInt8(protocol, 9);
  addressBytes(source).copy(header, 12);
  addressBytes(destination).copy(header, 16);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

/** The same packet as two, the first with so many bytes of payload (a multiple of 8). */
export function ipv4Fragments(packet: Buffer, first: number): [Buffer, Buffer] {
  const part = (from: number, to: number, more: boolean): Buffer => {
    const header = Buffer.from(packet.subarray(0, 20));
    header.writeUInt16BE(20 + to - from, 2);
    header.writeUInt16BE(0x1234, 4);
    header.writeUInt16BE((more ? 0x2000 : 0) | (from / 8), 6);
    header.writeUInt16BE(0, 10);
    header.writeUInt16BE(checksum(header), 10);
    return Buffer.concat([header, packet.subarray(20 + from, 20 + to)]);
  };
  return [part(0, first, true), part(first, packet.length - 20, false)];
}

export function udpDatagram(endpoints: IpHeader & Segment, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(endpoints.sourcePort, 0);
  header.writeUInt16BE(endpoints.destinationPort, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  const pseudo = pseudoHeader(endpoints, 8 + payload.length);
  header.writeUInt16BE(checksum(pseudo, header, payload) || 0xffff, 6);
  return Buffer.concat([header, payload]);
}

export interface TcpFields {
  readonly flags: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
}

export const tcpFlags = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;

export function tcpSegment(
  endpoints: IpHeader & Segment,
  { flags, sequence = 1, acknowledgement = 0 }: TcpFields,
  payload: Buffer,
): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(endpoints.sourcePort, 0);
  header.writeUInt16BE(endpoints.destinationPort, 2);
  header.writeUInt32BE(sequence >>> 0, 4);
  header.writeUInt32BE(acknowledgement >>> 0, 8);
  header.writeUInt8(0x50, 12);
  header.writeUInt8(flags, 13);
  header.writeUInt16BE(65535, 14);
  const pseudo = pseudoHeader(endpoints, 20 + payload.length);
  header.writeUInt16BE(checksum(pseudo, header, payload), 16);
  return Buffer.concat([header, payload]);
}

/** What TCP, UDP and ICMPv6 put before their own bytes for the checksum. */
export function pseudoHeader({ source, destination, protocol }: IpHeader, length: number): Buffer {
  const tail = Buffer.alloc(4);
  tail.writeUInt8(protocol, 1);
  tail.writeUInt16BE(length, 2);
  return Buffer.concat([addressBytes(source), addressBytes(destination), tail]);
}

/** ICMP error of a type and code that quotes the head of a packet (RFC 792). */
export function icmpError(type: number, code: number, quoted: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(type, 0);
  header.writeUInt8(code, 1);
  header.writeUInt16BE(checksum(header, quoted), 2);
  return Buffer.concat([header, quoted]);
}
