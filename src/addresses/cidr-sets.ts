import { families, type Cidr } from '../model/address.js';
import { cidrsOf, mergeRanges, rangeOf, rangesOf, subtractRanges } from './address-ranges.js';

/** `cidr` without `except`, as the fewest CIDRs: sorted, disjoint. Excepts of the other family subtract nothing. */
export const subtractCidrs = (cidr: Cidr, except: readonly Cidr[]): readonly Cidr[] =>
  subtractRanges(rangeOf(cidr), rangesOf(except, cidr.family)).flatMap((range) => cidrsOf(range, cidr.family));

/** The fewest CIDRs that cover the same addresses, IPv4 before IPv6, each family sorted. */
export const mergeCidrs = (cidrs: readonly Cidr[]): readonly Cidr[] =>
  families.flatMap((family) => mergeRanges(rangesOf(cidrs, family)).flatMap((range) => cidrsOf(range, family)));
