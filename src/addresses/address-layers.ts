/** What blocks with excepts hold together, without cutting any of them into pieces. */
import type { Cidr, Family } from '../model/address.js';
import {
  cidrsOf,
  mergeRanges,
  rangeOf,
  rangesOf,
  rangesWithout,
  subtractRanges,
  type AddressRange,
} from './address-ranges.js';

interface Block {
  readonly cidr: Cidr;
  readonly except: readonly Cidr[];
}

/** The addresses that `allowed` holds and `denied` does not; each of them sorted and disjoint. */
interface AddressLayer {
  readonly allowed: readonly Cidr[];
  readonly denied: readonly Cidr[];
}

/** A block as a range; of its excepts, those that take something from it. */
interface BlockRange extends AddressRange {
  readonly cidr: Cidr;
  readonly excepts: readonly AddressRange[];
}

const none: readonly AddressRange[] = [];

/**
 * Together the layers of a family hold what the blocks hold, in no more CIDRs than the blocks have themselves. An except
 * narrows its own block only, so what lies inside another block's except is a layer above it: taken from the except, it
 * would leave a hundred pieces. Hence at most one layer for every two bits of an address, and one only without excepts.
 */
export function addressLayers(blocks: readonly Block[], family: Family): readonly AddressLayer[] {
  const ranges: BlockRange[] = [];
  for (const block of blocks) if (block.cidr.family === family) ranges.push(...blockRanges(block));
  if (ranges.length === 0) return [];
  if (ranges.every(({ excepts }) => excepts.length === 0)) return [layerOf(ranges, family)];
  const layers: BlockRange[][] = [];
  for (const [block, depth] of depthsOf(ranges)) (layers[depth] ??= []).push(block);
  return layers.map((members) => layerOf(members, family));
}

/** None of a block that an except holds whole. */
function blockRanges({ cidr, except }: Block): readonly BlockRange[] {
  const { first, last } = rangeOf(cidr);
  if (except.length === 0) return [{ first, last, cidr, excepts: none }];
  const excepts = rangesOf(except, cidr.family);
  if (excepts.some((range) => isInside({ first, last }, range))) return [];
  return [{ first, last, cidr, excepts: excepts.filter((range) => isInside(range, { first, last })) }];
}

const isInside = (inner: AddressRange, outer: AddressRange): boolean =>
  inner.first >= outer.first && inner.last <= outer.last;

interface Entry {
  readonly range: AddressRange;
  readonly block: BlockRange;
  readonly isExcept: boolean;
}

/** CIDRs are equal, nested or disjoint: in this order, each comes after all that hold it. */
function byPlace(a: Entry, b: Entry): number {
  if (a.range.first !== b.range.first) return a.range.first < b.range.first ? -1 : 1;
  if (a.range.last !== b.range.last) return a.range.last > b.range.last ? -1 : 1;
  return Number(a.isExcept) - Number(b.isExcept);
}

/** How many layers lie below each block: one more than below any block that has an except around it. */
function depthsOf(blocks: readonly BlockRange[]): ReadonlyMap<BlockRange, number> {
  const depths = new Map<BlockRange, number>();
  const entries = blocks.flatMap((block): Entry[] => [
    { range: block, block, isExcept: false },
    ...block.excepts.map((range) => ({ range, block, isExcept: true })),
  ]);
  const around: { readonly last: bigint; readonly depth: number }[] = [];
  for (const { range, block, isExcept } of entries.sort(byPlace)) {
    while ((around.at(-1)?.last ?? range.first) < range.first) around.pop();
    const depth = around.at(-1)?.depth ?? 0;
    if (isExcept) around.push({ last: range.last, depth: Math.max(depth, (depths.get(block) ?? 0) + 1) });
    else depths.set(block, depth);
  }
  return depths;
}

function layerOf(blocks: readonly BlockRange[], family: Family): AddressLayer {
  const allowed = mergeRanges(blocks);
  const hasExcepts = blocks.some(({ excepts }) => excepts.length > 0);
  const held = hasExcepts ? mergeRanges(blocks.flatMap((block) => subtractRanges(block, block.excepts))) : allowed;
  const denied = hasExcepts ? rangesWithout(allowed, held) : none;
  return { allowed: cidrsIn(allowed, family), denied: cidrsIn(denied, family) };
}

/** Nearly all of thousands are as they came. */
function cidrsIn(ranges: readonly (AddressRange & Partial<BlockRange>)[], family: Family): readonly Cidr[] {
  const cidrs: Cidr[] = [];
  for (const range of ranges)
    if (range.cidr === undefined) cidrs.push(...cidrsOf(range, family));
    else cidrs.push(range.cidr);
  return cidrs;
}
