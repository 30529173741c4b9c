/** Which endpoints the ipBlocks of rules are about. */
import { coverage, rangeOf } from '../addresses/address-ranges.js';
import { CidrIndex } from '../addresses/cidr-index.js';
import {
  addressToNumber,
  families,
  familyOf,
  wholeFamily,
  type Address,
  type Cidr,
  type Family,
} from '../model/address.js';
import { printBlock } from '../program/print.js';
import type { Block, PeerMatch, PolicyProgram } from '../program/types.js';
import { addressesOf, type FlowEndpoint } from './flow-endpoints.js';
import { blocksIn, blocksOf, rangesOfBlock, type BlockPeer } from './rule-blocks.js';

/** Whether a block is about pods: `cluster` as the API asks of agents, `external` as offline analysers read it. */
export type BlockReading = 'cluster' | 'external';

export interface BlockOptions {
  readonly ipBlocks: BlockReading;
  /** Where pods without an address may get theirs; none: anywhere. */
  readonly podCidrs: readonly Cidr[];
}

type Coverage = 'all' | 'part' | 'none';

/** The blocks of a union, by what they hold; of a rule with many, few are about one address. */
interface BlockIndex {
  readonly all: readonly BlockPeer[];
  readonly byCidr: CidrIndex<BlockPeer>;
}

export class BlockMatcher {
  readonly #options: BlockOptions;
  readonly #numbers = new Map<Address, bigint>();
  readonly #indexes = new Map<PeerMatch, BlockIndex>();
  readonly #excepts = new Map<Block, CidrIndex<Cidr>>();
  readonly #coverages: Readonly<Record<Family, Map<Block, Coverage>>> = { IPv4: new Map(), IPv6: new Map() };

  constructor(options: BlockOptions) {
    this.#options = options;
  }

  /** The blocks among the peers that the endpoint is in; it is assumed to be where a block covers all it may get. */
  matching(
    peers: PeerMatch,
    endpoint: FlowEndpoint,
    family: Family,
  ): { readonly blocks: readonly BlockPeer[]; readonly assumed: boolean } {
    const index = this.#indexOf(peers);
    if (index.all.length === 0) return { blocks: [], assumed: false };
    if (endpoint.kind === 'address') return { blocks: this.#holding(index, endpoint.address), assumed: false };
    if (this.#options.ipBlocks === 'external') return { blocks: [], assumed: false };
    const addresses = addressesOf(endpoint);
    if (addresses.length === 0)
      return { blocks: index.all.filter((block) => this.coverage(block, family) === 'all'), assumed: true };
    const own = addresses.filter((address) => familyOf(address) === family);
    return { blocks: [...new Set(own.flatMap((address) => this.#holding(index, address)))], assumed: false };
  }

  /** How much it holds of what a pod without an address may get. */
  coverage(block: Block, family: Family): Coverage {
    const known = this.#coverages[family].get(block);
    if (known !== undefined) return known;
    const held = block.cidr.family === family ? rangesOfBlock(block) : [];
    const parts = new Set(this.#podRanges(family).map((cidr) => coverage(rangeOf(cidr), held)));
    const found = parts.size === 1 ? ([...parts][0] ?? 'none') : parts.size === 0 ? 'none' : 'part';
    this.#coverages[family].set(block, found);
    return found;
  }

  #podRanges(family: Family): readonly Cidr[] {
    const { podCidrs } = this.#options;
    return (podCidrs.length > 0 ? podCidrs : families.map(wholeFamily)).filter((cidr) => cidr.family === family);
  }

  #holding({ byCidr }: BlockIndex, address: Address): readonly BlockPeer[] {
    const [number, family] = [this.#numberOf(address), familyOf(address)];
    return byCidr.at(number, family).filter((block) => !this.#isExcepted(block, number, family));
  }

  #isExcepted(block: Block, address: bigint, family: Family): boolean {
    if (block.except.length === 0) return false;
    const excepts = this.#excepts.get(block) ?? new CidrIndex(block.except.map((cidr) => [cidr, cidr] as const));
    this.#excepts.set(block, excepts);
    return excepts.at(address, family).length > 0;
  }

  #indexOf(peers: PeerMatch): BlockIndex {
    const known = this.#indexes.get(peers);
    if (known !== undefined) return known;
    const all = blocksOf(peers);
    const index = { all, byCidr: new CidrIndex(all.map((block) => [block.cidr, block] as const)) };
    this.#indexes.set(peers, index);
    return index;
  }

  /** Each address is held against every block. */
  #numberOf(address: Address): bigint {
    const known = this.#numbers.get(address);
    if (known !== undefined) return known;
    const number = addressToNumber(address);
    this.#numbers.set(address, number);
    return number;
  }
}

/** Titles of blocks that hold only a part of what pods without an address may get. */
export function partialBlocks(program: PolicyProgram, options: BlockOptions): readonly string[] {
  if (options.ipBlocks === 'external') return [];
  const matcher = new BlockMatcher(options);
  const partial = blocksIn(program).filter((block) => {
    const found = families.map((family) => matcher.coverage(block, family));
    return found.includes('part') && !found.includes('all');
  });
  return [...new Set(partial.map(printBlock))];
}
