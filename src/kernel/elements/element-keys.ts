/**
 * Keys of elements: canonical text (NftSet.elements), and the bytes that the kernel holds. Source: linux/netfilter/nf_tables.h.
 * Each part of a concatenated key takes a whole number of four bytes; a key of one part has its own length.
 */
import { addressToNumber, type Address } from '../../model/address.js';
import { joinKey, partsOf, rangeText } from '../../nftables/language/elements.js';
import type { KeyType } from '../../nftables/language/types.js';
import { ipv4At, ipv6At } from '../netlink/address-bytes.js';

/** Bytes of a part. */
const lengthOf: Readonly<Record<KeyType, number>> = {
  ...{ ipv4_addr: 4, ipv6_addr: 16, inet_proto: 1, inet_service: 2 },
  ...{ integer: 16, iface_index: 4 },
};
const paddingAfter = (length: number): number => -length & 3;

/** Those that our elements name. */
const protocols: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };
const protocolNames = new Map(Object.entries(protocols).map(([name, number]) => [number, name]));

/** Undefined for a network, a range, or a name that is not known here. */
export function encodeKey(types: readonly KeyType[], key: string): Buffer | undefined {
  const parts = types.length === 1 ? [key] : partsOf(key);
  if (parts.length !== types.length) return undefined;
  const encoded: Buffer[] = [];
  for (const [index, type] of types.entries()) {
    const bytes = encodePart(type, parts[index] ?? '');
    if (bytes === undefined) return undefined;
    encoded.push(bytes);
    if (types.length > 1) encoded.push(Buffer.alloc(paddingAfter(bytes.length)));
  }
  return Buffer.concat(encoded);
}

function encodePart(type: KeyType, text: string): Buffer | undefined {
  switch (type) {
    case 'ipv4_addr':
      return /^[\d.]+$/.test(text) ? addressBytes(text, lengthOf[type]) : undefined;
    case 'ipv6_addr':
      return text.includes(':') && !text.includes('/') ? addressBytes(text, lengthOf[type]) : undefined;
    case 'inet_proto':
      return integerBytes(String(protocols[text] ?? text), lengthOf[type]);
    case 'inet_service':
      return integerBytes(text, lengthOf[type]);
    // Packets alone add bits of theirs, and devices.
    case 'integer':
    case 'iface_index':
      return undefined;
  }
}

const addressBytes = (text: string, length: number): Buffer =>
  Buffer.from(
    addressToNumber(text as Address)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  );

function integerBytes(text: string, length: number): Buffer | undefined {
  if (!/^\d+$/.test(text) || Number(text) >= 256 ** length) return undefined;
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(Number(text), 0, length);
  return bytes;
}

/**
 * As nft lists it, but for protocols that our elements do not name: they are numbers here, and names where /etc/protocols
 * has one.
 * @param last of an interval, its end, which belongs to it
 * @returns undefined when these are no bytes of such a key
 */
export function decodeKey(types: readonly KeyType[], first: Buffer, last = first): string | undefined {
  const parts: string[] = [];
  let at = 0;
  for (const type of types) {
    // A set of others may have any type.
    const length = lengthOf[type] as number | undefined;
    if (length === undefined || at + length > first.length || at + length > last.length) return undefined;
    const [low, high] = [first.subarray(at, at + length), last.subarray(at, at + length)];
    parts.push(low.equals(high) ? valueText(type, low) : intervalText(type, low, high));
    at += length + (types.length > 1 ? paddingAfter(length) : 0);
  }
  return at === first.length ? joinKey(...parts) : undefined;
}

function valueText(type: KeyType, bytes: Buffer): string {
  switch (type) {
    case 'ipv4_addr':
      return ipv4At(bytes, 0);
    case 'ipv6_addr':
      return ipv6At(bytes, 0);
    case 'inet_proto':
      return protocolNames.get(bytes.readUInt8(0)) ?? String(bytes.readUInt8(0));
    case 'inet_service':
      return String(bytes.readUInt16BE(0));
    case 'integer':
      return `0x${numberOf(bytes).toString(16)}`;
    case 'iface_index':
      return String(bytes.readUInt32LE(0));
  }
}

/** nft lists a network as one, and both ends of anything else; in ranges a protocol is always a number. */
function intervalText(type: KeyType, low: Buffer, high: Buffer): string {
  if (type === 'inet_proto' || type === 'inet_service')
    return rangeText(low.readUIntBE(0, low.length), high.readUIntBE(0, high.length));
  const varying = numberOf(low) ^ numberOf(high);
  const bits = varying.toString(2).length;
  const isNetwork = varying === (1n << BigInt(bits)) - 1n && (numberOf(low) & varying) === 0n;
  return isNetwork
    ? `${valueText(type, low)}/${low.length * 8 - bits}`
    : `${valueText(type, low)}-${valueText(type, high)}`;
}

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`);
