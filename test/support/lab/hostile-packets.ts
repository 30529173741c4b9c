/** Parts of packets that no honest pod sends. */
import { checksum } from './packets.js';

/** What a neighbour message claims. */
export interface Claim {
  /** 135: solicitation, 136: advertisement. */
  readonly type: 135 | 136;
  readonly target: string;
  /** A link-layer address: 1 of the source, 2 of the target. */
  readonly option?: 1 | 2;
  readonly hardware?: Buffer;
  readonly flags?: number;
  /** Bytes that ride along in an option that nobody knows, or as the nonce. */
  readonly mark?: string;
  /** First, as Linux sends it (RFC 7527). */
  readonly nonce?: boolean;
}

/** A frame as the payload of UDP (RFC 7348). */
export function vxlanPacket(id: number, frame: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(8, 0);
  header.writeUInt32BE(id << 8, 4);
  return Buffer.concat([header, frame]);
}

/** The packet with options behind its header of 20 bytes; a multiple of 4 bytes. */
export function withIpv4Options(packet: Buffer, options: Buffer): Buffer {
  const header = Buffer.concat([packet.subarray(0, 20), options]);
  header.writeUInt8(0x40 | (header.length / 4), 0);
  header.writeUInt16BE(packet.length + options.length, 2);
  header.writeUInt16BE(0, 10);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, packet.subarray(20)]);
}

/** What a device makes of its hardware address (RFC 4291, appendix A). */
export function linkLocalOf(hardware: Buffer): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = hardware;
  const words = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
  return `fe80::${words.map((word) => word.toString(16)).join(':')}`;
}
