import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An IP address in canonical text: dotted quad for IPv4, RFC 5952 for IPv6. An IPv4-mapped IPv6 address is IPv4. */
export type Address = string & { readonly __brand: 'Address' };

export type Family = 'IPv4' | 'IPv6';
export const families = ['IPv4', 'IPv6'] as const satisfies readonly Family[];

/** A network in canonical form: `address` has no bit set beyond `prefix` (0 to 32 or 128). */
export interface Cidr {
  readonly family: Family;
  readonly address: Address;
  readonly prefix: number;
}

/** Largest prefix length of a family, in bits. */
export const bitsOf = (family: Family): number => (family === 'IPv4' ? 32 : 128);

/** The family of a canonical address. */
export const familyOf = (address: Address): Family => (address.includes(':') ? 'IPv6' : 'IPv4');

/** `::1.2.3.4` is no IPv4-mapped address (RFC 4291, 2.5.5), but ipaddr.js reads it as one. */
const forIpaddr = (text: string): string => text.replace(/^::(?=\d+\.)/, '0::');

/** Canonical form of `text`, or undefined when it is not an IP address (zones, octal and short forms are not). */
export function parseAddress(text: string): Address | undefined {
  if (isIP(text) === 0 || text.includes('%')) return undefined;
  const parsed = ipaddr.process(forIpaddr(text));
  return (parsed.kind() === 'ipv4' ? parsed.toString() : (parsed as ipaddr.IPv6).toRFC5952String()) as Address;
}

/** The address as an unsigned integer of 32 or 128 bits. */
export function addressToNumber(address: Address): bigint {
  const bytes = familyOf(address) === 'IPv4' ? address.split('.') : [];
  if (bytes.length === 4) return BigInt(bytes.reduce((number, byte) => number * 256 + Number(byte), 0));
  if (!address.includes('.')) return hextetsToNumber(address);
  let value = 0n;
  for (const byte of ipaddr.parse(forIpaddr(address)).toByteArray()) value = (value << 8n) | BigInt(byte);
  return value;
}

/** Asked for each of thousands of CIDRs, so it takes the text as canonical. */
function hextetsToNumber(address: Address): bigint {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = '0000'.repeat(8 - before.length - after.length);
  const hex = (groups: readonly string[]): string => groups.map((group) => group.padStart(4, '0')).join('');
  return BigInt(`0x${hex(before)}${zeros}${hex(after)}`);
}

/** The inverse of {@link addressToNumber}. */
export function numberToAddress(value: bigint, family: Family): Address {
  const length = bitsOf(family) / 8;
  const bytes = Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 0xffn));
  const parsed = ipaddr.fromByteArray(bytes);
  return (parsed.kind() === 'ipv4' ? parsed.toString() : (parsed as ipaddr.IPv6).toRFC5952String()) as Address;
}

export const formatCidr = (cidr: Cidr): string => `${cidr.address}/${cidr.prefix}`;

/**
 * A CIDR as the API server reads stored objects (Go's sloppy parser; SEMANTICS A5): host bits are masked off, leading
 * zeros are decimal, an IPv4-mapped network of /96 or longer is IPv4. Undefined when it is no CIDR at all.
 */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/%]+)\/(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const [, host = '', length = ''] = match;
  const address = /^[\d.]+$/.test(host) ? host.replace(/(^|\.)0+(?=\d)/g, '$1') : host;
  if (isIP(address) === 0) return undefined;
  const mapped = isIP(address) === 6 && ipaddr.IPv6.parse(forIpaddr(address)).isIPv4MappedAddress();
  const raw = Number(length);
  if (raw > (isIP(address) === 4 ? 32 : 128)) return undefined;
  if (mapped && raw < 96) return maskCidr(ipaddr.IPv6.parse(address).toRFC5952String() as Address, 'IPv6', raw);
  const canonical = parseAddress(address);
  if (canonical === undefined) return undefined;
  return maskCidr(canonical, familyOf(canonical), mapped ? raw - 96 : raw);
}

function maskCidr(address: Address, family: Family, prefix: number): Cidr {
  const shift = BigInt(bitsOf(family) - prefix);
  const masked = (addressToNumber(address) >> shift) << shift;
  return { family, address: numberToAddress(masked, family), prefix };
}

/** Whether `address` lies in `cidr`; never across families. */
export function cidrContains(cidr: Cidr, address: Address): boolean {
  if (familyOf(address) !== cidr.family) return false;
  const shift = BigInt(bitsOf(cidr.family) - cidr.prefix);
  return addressToNumber(address) >> shift === addressToNumber(cidr.address) >> shift;
}

/** Whether all of `inner` lies in `outer`, or is the same. */
export const cidrWithin = (inner: Cidr, outer: Cidr): boolean =>
  outer.prefix <= inner.prefix && cidrContains(outer, inner.address);

/** Whether it holds one address only. */
export const isSingleAddress = (cidr: Cidr): boolean => cidr.prefix === bitsOf(cidr.family);

/** Every address of a family. */
export const wholeFamily = (family: Family): Cidr => ({
  family,
  address: (family === 'IPv4' ? '0.0.0.0' : '::') as Address,
  prefix: 0,
});
