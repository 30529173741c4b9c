/**
 * The netlink messages of NFLOG, as bytes. Source: linux/netlink.h, linux/netfilter/nfnetlink_log.h. Lengths and types
 * are in the machine's byte order (little-endian on every machine that we build for), what netfilter adds is big-endian.
 */
import {
  attribute as encodeAttribute,
  attributesIn,
  bigEndian,
  message,
  messagesIn,
  textOf,
} from '../netlink/messages.js';

/** One logged packet, as the kernel sends it. */
export interface NflogPacket {
  readonly prefix: string;
  /** From the network header on, cut at the rule's snaplen. A view of the datagram: valid until the next one is read. */
  readonly payload: Buffer;
  /** When the kernel received it, in milliseconds since the epoch; absent when it took no time stamp. */
  readonly time?: number;
  /** ifindex; for a bridged packet that of the bridge, and `inPort` has the port. */
  readonly inDevice?: number;
  readonly inPort?: number;
  /** Counts every packet for this group: a gap is a loss. */
  readonly sequence?: number;
}

/** What one datagram holds: packets, and the kernel's answer to a request. */
interface NflogDatagram {
  readonly packets: readonly NflogPacket[];
  /** 0 for an acknowledgement, else the errno. */
  readonly answer?: number;
}

const subsystem = 4;
const packetType = subsystem << 8;
const configType = (subsystem << 8) | 1;
const errorType = 2;

const attribute = { header: 1, timestamp: 3, inDevice: 4, inPort: 6, payload: 9, prefix: 10, sequence: 12 } as const;
/** linux/netfilter.h: NFPROTO_NETDEV, NF_NETDEV_EGRESS. */
const netdev = { family: 5, egress: 1 } as const;
const ethernetHeader = 14;
const configAttribute = { command: 1, mode: 2, bufferSize: 3, timeout: 4, threshold: 5, flags: 6 } as const;
const bindCommand = 1;
const copyPacket = 2;
const countLocally = 1;
const requestWithAnswer = 5;

export function decodeDatagram(datagram: Buffer): NflogDatagram {
  const packets: NflogPacket[] = [];
  let answer: number | undefined;
  for (const { type, body } of messagesIn(datagram))
    if (type === packetType) packets.push(decodePacket(body));
    else if (type === errorType && body.length >= 4) answer = -body.readInt32LE(0);
  return { packets, ...(answer === undefined ? {} : { answer }) };
}

function decodePacket(body: Buffer): NflogPacket {
  const packet: { -readonly [K in keyof NflogPacket]: NflogPacket[K] } = {
    prefix: '',
    payload: body.subarray(0, 0),
  };
  let hook: number | undefined;
  for (const { type, value } of attributesIn(body))
    switch (type) {
      case attribute.header:
        hook = value[2];
        break;
      case attribute.prefix:
        packet.prefix = textOf(value);
        break;
      case attribute.payload:
        packet.payload = value;
        break;
      case attribute.timestamp:
        if (value.length >= 16)
          packet.time = Number(value.readBigUInt64BE(0)) * 1000 + Number(value.readBigUInt64BE(8)) / 1000;
        break;
      case attribute.inDevice:
        if (value.length >= 4) packet.inDevice = value.readUInt32BE(0);
        break;
      case attribute.inPort:
        if (value.length >= 4) packet.inPort = value.readUInt32BE(0);
        break;
      case attribute.sequence:
        if (value.length >= 4) packet.sequence = value.readUInt32BE(0);
        break;
    }
  // On its way out of a device a packet has its Ethernet header before it.
  if (body[0] === netdev.family && hook === netdev.egress) packet.payload = packet.payload.subarray(ethernetHeader);
  return packet;
}

export interface GroupSettings {
  readonly group: number;
  /** Bytes of each packet that are copied; the rule's snaplen may ask for less. */
  readonly copyRange: number;
  /** Bytes that the kernel collects before it sends. */
  readonly bufferSize: number;
  /** Packets that the kernel collects before it sends; the rule's queue-threshold may ask for fewer. */
  readonly threshold: number;
  /** Hundredths of a second that a packet waits for others. */
  readonly timeout: number;
}

/** Makes the sender the group's reader. Answered by EBUSY or EPERM when it has one. */
export const encodeBind = ({ group }: GroupSettings): Buffer =>
  configMessage(group, [[configAttribute.command, Buffer.from([bindCommand])]]);

export const encodeSettings = ({ group, copyRange, bufferSize, threshold, timeout }: GroupSettings): Buffer =>
  configMessage(group, [
    [configAttribute.mode, Buffer.concat([bigEndian(copyRange), Buffer.from([copyPacket, 0])])],
    [configAttribute.bufferSize, bigEndian(bufferSize)],
    [configAttribute.timeout, bigEndian(timeout)],
    [configAttribute.threshold, bigEndian(threshold)],
    [configAttribute.flags, Buffer.from([0, countLocally])],
  ]);

function configMessage(group: number, attributes: readonly (readonly [number, Buffer])[]): Buffer {
  const header = { type: configType, flags: requestWithAnswer, family: 0, resource: group };
  return message(header, ...attributes.map(([type, value]) => encodeAttribute(type, value)));
}
