/** What lies outside, cut where some block tells addresses apart. */
import {
  coverage,
  cutAtBorders,
  everyAddress,
  intersectRanges,
  rangeOf,
  subtractRanges,
  type AddressRange,
} from '../addresses/address-ranges.js';
import { addressToNumber, numberToAddress, parseCidr, type Address, type Family } from '../model/address.js';
import type { PolicyProgram } from '../program/types.js';
import { blocksIn, rangesOfBlock } from './rule-blocks.js';

export interface ExternalRange extends AddressRange {
  readonly family: Family;
  /** One address stands for all of them. */
  readonly sample: Address;
}

export const rangeId = ({ family, first, last }: Pick<ExternalRange, 'family' | 'first' | 'last'>): string =>
  `${numberToAddress(first, family)}-${numberToAddress(last, family)}`;

/** The ranges of a family within which no block of these programs ends; together they cover everything. */
export function externalRanges(programs: readonly PolicyProgram[], family: Family): readonly ExternalRange[] {
  const blocks = programs.flatMap(blocksIn).filter(({ cidr }) => cidr.family === family);
  return cutAtBorders([everyAddress(family), ...blocks.flatMap(rangesOfBlock)]).map((range) =>
    makeRange(family, range),
  );
}

export const makeRange = (family: Family, { first, last }: AddressRange): ExternalRange => ({
  family,
  first,
  last,
  sample: numberToAddress(first, family),
});

/** The range between two addresses of one family, as `first-last` names it; undefined when it does not. */
export function parseRange(first: Address, last: Address, family: Family): ExternalRange | undefined {
  const range = { first: addressToNumber(first), last: addressToNumber(last) };
  return range.first > range.last ? undefined : makeRange(family, range);
}

/** Parts of `range` by the boundaries of `ranges`. */
export const partsOf = (range: ExternalRange, ranges: readonly ExternalRange[]): readonly ExternalRange[] =>
  ranges.flatMap((one) => {
    const common = one.family === range.family ? intersectRanges(one, range) : undefined;
    return common === undefined ? [] : [makeRange(one.family, common)];
  });

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
  return subtractRanges(everyAddress(family), holes).map((range) => makeRange(family, range));
}

/** Whether a range has public addresses. */
export function publicFilter(): (range: ExternalRange) => boolean {
  const internet = { IPv4: internetRanges('IPv4'), IPv6: internetRanges('IPv6') };
  return (range) => coverage(range, internet[range.family]) !== 'none';
}
