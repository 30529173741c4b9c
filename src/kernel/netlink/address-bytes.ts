/** Addresses as bytes of a packet or an attribute. */
import ipaddr from 'ipaddr.js';
import type { Address } from '../../model/address.js';

export const ipv4At = (bytes: Buffer, at: number): Address =>
  `${bytes.readUInt8(at)}.${bytes.readUInt8(at + 1)}.${bytes.readUInt8(at + 2)}.${bytes.readUInt8(at + 3)}` as Address;

/** Canonical as everywhere; an IPv4-mapped one stays one: no pod has it. */
export const ipv6At = (bytes: Buffer, at: number): Address =>
  new ipaddr.IPv6([...bytes.subarray(at, at + 16)]).toRFC5952String() as Address;
