/** Arithmetic of address ranges, in one place: everything that cuts, joins or searches addresses is built on these. */
import { addressToNumber, bitsOf, numberToAddress, type Cidr, type Family } from '../model/address.js';

/** Addresses of one family as numbers, both ends inclusive. */
export interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

export function rangeOf({ family, address, prefix }: Cidr): AddressRange {
  const first = addressToNumber(address);
  return { first, last: first + (1n << BigInt(bitsOf(family) - prefix)) - 1n };
}

export const everyAddress = (family: Family): AddressRange => ({
  first: 0n,
  last: (1n << BigInt(bitsOf(family))) - 1n,
});

export const rangeContains = ({ first, last }: AddressRange, address: bigint): boolean =>
  first <= address && address <= last;

const byFirst = (a: AddressRange, b: AddressRange): number => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0);

/** The ranges of a family's CIDRs, sorted. */
export const rangesOf = (cidrs: readonly Cidr[], family: Family): readonly AddressRange[] =>
  cidrs
    .filter((cidr) => cidr.family === family)
    .map(rangeOf)
    .sort(byFirst);

/** Sorted; overlapping and adjacent ranges become one; the others are the objects that came. */
export function mergeRanges(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const merged: AddressRange[] = [];
  for (const range of [...ranges].sort(byFirst)) {
    const last = merged.at(-1);
    if (last !== undefined && range.first <= last.last + 1n)
      merged[merged.length - 1] = { first: last.first, last: range.last > last.last ? range.last : last.last };
    else merged.push(range);
  }
  return merged;
}

/** What is left of `whole`, sorted. */
export function subtractRanges(whole: AddressRange, holes: readonly AddressRange[]): readonly AddressRange[] {
  const left: AddressRange[] = [];
  let next = whole.first;
  for (const hole of mergeRanges(holes)) {
    if (hole.last < next) continue;
    if (hole.first > whole.last) break;
    if (hole.first > next) left.push({ first: next, last: hole.first - 1n });
    next = hole.last + 1n;
  }
  if (next <= whole.last) left.push({ first: next, last: whole.last });
  return left;
}

/** What of `ranges` no hole holds; both are sorted and disjoint. */
export function rangesWithout(
  ranges: readonly AddressRange[],
  holes: readonly AddressRange[],
): readonly AddressRange[] {
  const left: AddressRange[] = [];
  let hole = 0;
  for (const { first, last } of ranges) {
    let next = first;
    while (holes[hole] !== undefined && (holes[hole] as AddressRange).last < first) hole += 1;
    for (let at = hole; at < holes.length; at += 1) {
      const { first: from, last: to } = holes[at] as AddressRange;
      if (from > last) break;
      if (from > next) left.push({ first: next, last: from - 1n });
      next = to + 1n;
      hole = at;
    }
    if (next <= last) left.push({ first: next, last });
  }
  return left;
}

/** Undefined when they have nothing in common. */
export function intersectRanges(one: AddressRange, other: AddressRange): AddressRange | undefined {
  const first = one.first > other.first ? one.first : other.first;
  const last = one.last < other.last ? one.last : other.last;
  return first > last ? undefined : { first, last };
}

/** From the lowest address of `ranges` to the highest, cut wherever one of them begins or ends. */
export function cutAtBorders(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const borders = new Set(ranges.flatMap(({ first, last }) => [first, last + 1n]));
  const sorted = [...borders].sort((a, b) => (a < b ? -1 : 1));
  return sorted.slice(0, -1).map((first, index) => ({ first, last: (sorted[index + 1] ?? first) - 1n }));
}

/** How much of `range` disjoint, sorted `blocks` hold. */
export function coverage({ first, last }: AddressRange, blocks: readonly AddressRange[]): 'all' | 'part' | 'none' {
  let next = first;
  let touched = false;
  for (const block of blocks) {
    if (block.last < first || block.first > last) continue;
    touched = true;
    if (block.first > next) return 'part';
    next = block.last + 1n;
  }
  return next > last ? 'all' : touched ? 'part' : 'none';
}

/** The fewest CIDRs of exactly this range: the largest aligned block that fits, again and again. */
export function cidrsOf({ first, last }: AddressRange, family: Family): Cidr[] {
  const bits = bitsOf(family);
  const cidrs: Cidr[] = [];
  for (let next = first; next <= last;) {
    let free = 0;
    while (
      free < bits &&
      (next & ((1n << BigInt(free + 1)) - 1n)) === 0n &&
      next + (1n << BigInt(free + 1)) - 1n <= last
    )
      free += 1;
    cidrs.push({ family, address: numberToAddress(next, family), prefix: bits - free });
    next += 1n << BigInt(free);
  }
  return cidrs;
}
