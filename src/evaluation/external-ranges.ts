/** What lies outside, cut where some block tells addresses apart. */
import { addressToNumber, bitsOf, numberToAddress, parseCidr, type Address, type Family } from '../model/address.js';
import type { PolicyProgram } from '../program/types.js';
import { coverage, rangeOf, type AddressRange } from './address-ranges.js';

export interface ExternalRange extends AddressRange {
  readonly family: Family;
  /** One address stands for all of them. */
  readonly sample: Address;
}

export const rangeId = ({ family, first, last }: Pick<ExternalRange, 'family' | 'first' | 'last'>): string =>
  `${numberToAddress(first, family)}-${numberToAddress(last, family)}`;

/** The ranges of a family within which no block of these programs ends; together they cover everything. */
export function externalRanges(programs: readonly PolicyProgram[], family: Family): readonly ExternalRange[] {
  const end = 1n << BigInt(bitsOf(family));
  const starts = new Set([0n]);
  for (const { groups } of programs)
    for (const group of groups.values()) {
      if (group.kind !== 'blocks') continue;
      for (const cidr of group.cidrs) {
        if (cidr.family !== family) continue;
        const { first, last } = rangeOf(cidr);
        starts.add(first);
        if (last + 1n < end) starts.add(last + 1n);
      }
    }
  const sorted = [...starts].sort((a, b) => (a < b ? -1 : 1));
  return sorted.map((first, index) => makeRange(family, first, (sorted[index + 1] ?? end) - 1n));
}

export const makeRange = (family: Family, first: bigint, last: bigint): ExternalRange => ({
  family,
  first,
  last,
  sample: numberToAddress(first, family),
});

/** The range between two addresses of one family, as `first-last` names it; undefined when it does not. */
export function parseRange(first: Address, last: Address, family: Family): ExternalRange | undefined {
  const [from, to] = [addressToNumber(first), addressToNumber(last)];
  return from > to ? undefined : makeRange(family, from, to);
}

/** Parts of `range` by the boundaries of `ranges`. */
export const partsOf = (range: ExternalRange, ranges: readonly ExternalRange[]): readonly ExternalRange[] =>
  ranges
    .filter((one) => one.family === range.family && one.first <= range.last && one.last >= range.first)
    .map((one) =>
      makeRange(
        one.family,
        one.first > range.first ? one.first : range.first,
        one.last < range.last ? one.last : range.last,
      ),
    );

/** What is no public unicast address: private, shared, loopback, link-local, multicast, reserved (IANA's registries). */
const notPublic = {
  IPv4: [
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '224.0.0.0/3',
  ],
  IPv6: ['::/3', '4000::/2', '8000::/1'],
} as const satisfies Record<Family, readonly string[]>;

/** The public addresses of a family: what `internet` means. */
export function internetRanges(family: Family): readonly ExternalRange[] {
  const holes = notPublic[family].map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) throw new Error(`${text} is no CIDR`);
    return rangeOf(cidr);
  });
  const ranges: ExternalRange[] = [];
  let next = 0n;
  for (const { first, last } of holes) {
    if (first > next) ranges.push(makeRange(family, next, first - 1n));
    next = last + 1n;
  }
  const end = (1n << BigInt(bitsOf(family))) - 1n;
  return next > end ? ranges : [...ranges, makeRange(family, next, end)];
}

export const isPublic = (range: ExternalRange): boolean => coverage(range, internetRanges(range.family)) !== 'none';
