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

/** A block as ranges; of its excepts, those that take something from it. */
interface BlockRanges {
  readonly whole: AddressRange;
  readonly cidr: Cidr;
  readonly excepts: readonly AddressRange[];
}

/**
 * Together the layers of a family hold what the blocks hold, in no more CIDRs than the blocks have themselves. An except
 * narrows its own block only, so what lies inside another block's except is a layer above it: taken from the except, it
 * would leave a hundred pieces. Hence at most one layer for every two bits of an address, and one only without excepts.
 */
export function addressLayers(blocks: readonly Block[], family: Family): readonly AddressLayer[] {
  const ranges = blocks.filter(({ cidr }) => cidr.family === family).flatMap(blockRanges);
  const layers: BlockRanges[][] = [];
  for (const [block, depth] of depthsOf(ranges)) (layers[depth] ??= []).push(block);
  return layers.map((members) => layerOf(members, family));
}

/** None of a block that an except holds whole. */
function blockRanges({ cidr, except }: Block): readonly BlockRanges[] {
  const whole = rangeOf(cidr);
  if (except.length === 0) return [{ whole, cidr, excepts: [] }];
  const excepts = rangesOf(except, cidr.family);
  if (excepts.some((range) => isInside(whole, range))) return [];
  return [{ whole, cidr, excepts: excepts.filter((range) => isInside(range, whole)) }];
}

const isInside = (inner: AddressRange, outer: AddressRange): boolean =>
  inner.first >= outer.first && inner.last <= outer.last;

interface Entry {
  readonly range: AddressRange;
  readonly block: BlockRanges;
  readonly isExcept: boolean;
}

/** CIDRs are equal, nested or disjoint: in this order, each comes after all that hold it. */
function byPlace(a: Entry, b: Entry): number {
  if (a.range.first !== b.range.first) return a.range.first < b.range.first ? -1 : 1;
  if (a.range.last !== b.range.last) return a.range.last > b.range.last ? -1 : 1;
  return Number(a.isExcept) - Number(b.isExcept);
}

/** How many layers lie below each block: one more than below any block that has an except around it. */
function depthsOf(blocks: readonly BlockRanges[]): ReadonlyMap<BlockRanges, number> {
  const depths = new Map<BlockRanges, number>();
  if (blocks.every(({ excepts }) => excepts.length === 0)) return new Map(blocks.map((block) => [block, 0]));
  const entries = blocks.flatMap((block): Entry[] => [
    { range: block.whole, block, isExcept: false },
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

function layerOf(blocks: readonly BlockRanges[], family: Family): AddressLayer {
  const allowed = mergeRanges(blocks.map(({ whole }) => whole));
  const hasExcepts = blocks.some(({ excepts }) => excepts.length > 0);
  const held = hasExcepts
    ? mergeRanges(blocks.flatMap(({ whole, excepts }) => subtractRanges(whole, excepts)))
    : allowed;
  const denied = held === allowed ? [] : rangesWithout(allowed, held);
  const known = new Map(blocks.map(({ whole, cidr }) => [whole, cidr]));
  // Nearly all of thousands are as they came.
  const cidrs = (range: AddressRange): readonly Cidr[] => {
    const cidr = known.get(range);
    return cidr === undefined ? cidrsOf(range, family) : [cidr];
  };
  return { allowed: allowed.flatMap(cidrs), denied: denied.flatMap((range) => cidrsOf(range, family)) };
}
