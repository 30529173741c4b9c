import { addressToNumber, bitsOf, numberToAddress, type Cidr, type Family } from '../model/address.js';

interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/** `cidr` without `except`, as the fewest CIDRs: sorted, disjoint. Excepts of the other family subtract nothing. */
export function subtractCidrs(cidr: Cidr, except: readonly Cidr[]): readonly Cidr[] {
  const holes = mergeRanges(except.filter(({ family }) => family === cidr.family).map(rangeOf));
  const whole = rangeOf(cidr);
  const left: Range[] = [];
  let next = whole.first;
  for (const hole of holes) {
    if (hole.last < next) continue;
    if (hole.first > whole.last) break;
    if (hole.first > next) left.push({ first: next, last: hole.first - 1n });
    next = hole.last + 1n;
  }
  if (next <= whole.last) left.push({ first: next, last: whole.last });
  return left.flatMap((range) => cidrsOf(range, cidr.family));
}

/** The fewest CIDRs that cover the same addresses, IPv4 before IPv6, each family sorted. */
export function mergeCidrs(cidrs: readonly Cidr[]): readonly Cidr[] {
  return (['IPv4', 'IPv6'] as const).flatMap((family) =>
    mergeRanges(cidrs.filter((cidr) => cidr.family === family).map(rangeOf)).flatMap((range) => cidrsOf(range, family)),
  );
}

function rangeOf(cidr: Cidr): Range {
  const first = addressToNumber(cidr.address);
  return { first, last: first + (1n << BigInt(bitsOf(cidr.family) - cidr.prefix)) - 1n };
}

/** Sorted; overlapping and adjacent ranges become one. */
function mergeRanges(ranges: readonly Range[]): readonly Range[] {
  const merged: Range[] = [];
  for (const range of [...ranges].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const last = merged.at(-1);
    if (last !== undefined && range.first <= last.last + 1n)
      merged[merged.length - 1] = { first: last.first, last: range.last > last.last ? range.last : last.last };
    else merged.push(range);
  }
  return merged;
}

/** The fewest CIDRs of exactly this range: the largest aligned block that fits, again and again. */
export function cidrsOf({ first, last }: Range, family: Family): Cidr[] {
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
