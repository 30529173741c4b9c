/** Elements as canonical text (NftSet.elements) and as nft's JSON, both ways. */
import { addressToNumber, isSingleAddress, numberToAddress, type Address, type Cidr } from '../../model/address.js';
import type { Element } from './command.js';

const separator = ' . ';
export const joinKey = (...parts: readonly (string | number)[]): string => parts.join(separator);
export const partsOf = (key: string): string[] => key.split(separator);

/** Every protocol that an IP header can name. */
const everyProtocol = '0-255';

/** nft lists a network of one address without its length. */
const networkText = (cidr: Cidr): string => (isSingleAddress(cidr) ? cidr.address : `${cidr.address}/${cidr.prefix}`);

/** A network's element in a set of (address . protocol). */
export const networkKey = (cidr: Cidr): string => joinKey(networkText(cidr), everyProtocol);

export const rangeText = (first: number, last: number): string => (first === last ? String(first) : `${first}-${last}`);

function partToJson(part: string): unknown {
  const slash = part.indexOf('/');
  if (slash > 0) return { prefix: { addr: part.slice(0, slash), len: Number(part.slice(slash + 1)) } };
  const [first = part, last] = part.split('-');
  if (/^\d+$/.test(first)) return last === undefined ? Number(first) : { range: [Number(first), Number(last)] };
  return part;
}

/** The key in libnftables-json form. */
export function keyToJson(key: string): unknown {
  const parts = partsOf(key).map(partToJson);
  return parts.length === 1 ? parts[0] : { concat: parts };
}

function verdictToJson(verdict: string): unknown {
  const [kind = '', target] = verdict.split(' ');
  return { [kind]: target === undefined ? null : { target } };
}

/** The element in libnftables-json form. */
export const elementToJson = ([key, value]: Element): unknown =>
  value === '' ? keyToJson(key) : [keyToJson(key), verdictToJson(value)];

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** nft writes the last 32 bits of some IPv6 addresses as a dotted quad, RFC 5952 does not. */
const canonicalPart = (text: string): string =>
  text.includes(':') && text.includes('.') ? numberToAddress(addressToNumber(text as Address), 'IPv6') : text;

function keyFromJson(json: unknown): string {
  if (typeof json === 'string') return canonicalPart(json);
  if (typeof json === 'number') return String(json);
  if (!isObject(json)) return JSON.stringify(json);
  if (Array.isArray(json['concat'])) return json['concat'].map(keyFromJson).join(separator);
  if (Array.isArray(json['range'])) return json['range'].map(keyFromJson).join('-');
  const { prefix, elem } = json;
  if (isObject(prefix)) return `${keyFromJson(prefix['addr'])}/${String(prefix['len'])}`;
  if (isObject(elem)) return keyFromJson(elem['val']);
  return JSON.stringify(json);
}

function verdictFromJson(json: unknown): string {
  if (!isObject(json)) return JSON.stringify(json);
  const [kind = '', body] = Object.entries(json)[0] ?? [];
  return isObject(body) ? `${kind} ${String(body['target'])}` : kind;
}

/** One listed element as [key, value]. */
export function elementFromJson(json: unknown, verdicts: boolean): Element {
  if (verdicts && Array.isArray(json)) return [keyFromJson(json[0]), verdictFromJson(json[1])];
  return [keyFromJson(json), ''];
}
