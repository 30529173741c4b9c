/** Reads IPv4 and IPv6 headers and the first bytes of the transport header. A pod wrote them: they may contain anything. */
import { ipProtocols, type Observation } from '../../model/observation.js';
import { ipv4At, ipv6At } from '../netlink/address-bytes.js';

type PacketHeaders = Pick<Observation, 'source' | 'destination' | 'protocol' | 'ports' | 'icmp' | 'tcpFlags' | 'bytes'>;

/** IPv6 extension headers, by their numbers. */
const extension = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destination: 60,
  mobility: 135,
} as const;
const extensions: ReadonlySet<number> = new Set(Object.values(extension));

/** Undefined for a packet that is cut before its addresses. */
export function parseHeaders(packet: Buffer): PacketHeaders | undefined {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4) return parseIpv4(packet);
  return version === 6 ? parseIpv6(packet) : undefined;
}

function parseIpv4(packet: Buffer): PacketHeaders | undefined {
  if (packet.length < 20) return undefined;
  const isLaterFragment = (packet.readUInt16BE(6) & 0x1fff) !== 0;
  const protocol = packet.readUInt8(9);
  return {
    source: ipv4At(packet, 12),
    destination: ipv4At(packet, 16),
    protocol,
    bytes: packet.readUInt16BE(2),
    ...(isLaterFragment ? {} : parseTransport(protocol, packet, ((packet[0] ?? 0) & 0x0f) * 4)),
  };
}

function parseIpv6(packet: Buffer): PacketHeaders | undefined {
  if (packet.length < 40) return undefined;
  const { protocol, at } = skipExtensions(packet);
  return {
    source: ipv6At(packet, 8),
    destination: ipv6At(packet, 24),
    protocol,
    bytes: 40 + packet.readUInt16BE(4),
    ...(at === undefined ? {} : parseTransport(protocol, packet, at)),
  };
}

/** Offset of the transport header; absent in later fragments, and when it was cut off. */
function skipExtensions(packet: Buffer): { readonly protocol: number; readonly at?: number } {
  let protocol = packet.readUInt8(6);
  let at = 40;
  while (extensions.has(protocol)) {
    if (at + 8 > packet.length) return { protocol };
    const next = packet.readUInt8(at);
    if (protocol === extension.fragment) {
      if ((packet.readUInt16BE(at + 2) & 0xfff8) !== 0) return { protocol: next };
      at += 8;
    } else {
      const length = packet.readUInt8(at + 1);
      at += protocol === extension.authentication ? (length + 2) * 4 : (length + 1) * 8;
    }
    protocol = next;
  }
  return { protocol, at };
}

function parseTransport(
  protocol: number,
  packet: Buffer,
  at: number,
): Pick<PacketHeaders, 'ports' | 'icmp' | 'tcpFlags'> {
  if (at + 4 > packet.length) return {};
  switch (protocol) {
    case ipProtocols.icmp:
    case ipProtocols.icmpv6:
      return { icmp: { type: packet.readUInt8(at), code: packet.readUInt8(at + 1) } };
    case ipProtocols.tcp:
    case ipProtocols.udp:
    case ipProtocols.sctp: {
      const ports = { source: packet.readUInt16BE(at), destination: packet.readUInt16BE(at + 2) };
      const hasFlags = protocol === ipProtocols.tcp && at + 14 <= packet.length;
      return hasFlags ? { ports, tcpFlags: packet.readUInt8(at + 13) } : { ports };
    }
    default:
      return {};
  }
}
