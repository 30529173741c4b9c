/** Which endpoints an ipBlock is about. */
import { CidrSearch } from '../addresses/cidr-search.js';
import {
  addressToNumber,
  families,
  familyOf,
  wholeFamily,
  type Address,
  type Cidr,
  type Family,
} from '../model/address.js';
import type { Group, GroupId, PolicyProgram } from '../program/types.js';
import { coverage, rangeOf, rangesOf } from '../addresses/address-ranges.js';
import { addressesOf, type FlowEndpoint } from './flow-endpoints.js';

/** Whether an ipBlock is about pods: `cluster` as the API asks of agents, `external` as offline analysers read it. */
export type BlockReading = 'cluster' | 'external';

export interface BlockOptions {
  readonly ipBlocks: BlockReading;
  /** Where pods without an address may get theirs; none: anywhere. */
  readonly podCidrs: readonly Cidr[];
}

/** `assumed`: it holds every address that a pod without one may get. */
export type Membership = 'yes' | 'assumed' | 'no';
type Coverage = 'all' | 'part' | 'none';
type Blocks = Extract<Group, { kind: 'blocks' }>;

export class BlockMatcher {
  readonly #options: BlockOptions;
  readonly #numbers = new Map<Address, bigint>();
  readonly #searches = new Map<GroupId, CidrSearch>();
  readonly #coverages: Readonly<Record<Family, Map<GroupId, Coverage>>> = { IPv4: new Map(), IPv6: new Map() };

  constructor(options: BlockOptions) {
    this.#options = options;
  }

  match(group: Blocks, endpoint: FlowEndpoint, family: Family): Membership {
    if (endpoint.kind === 'address') return this.#contains(group, endpoint.address) ? 'yes' : 'no';
    if (this.#options.ipBlocks === 'external') return 'no';
    const addresses = addressesOf(endpoint);
    if (addresses.length === 0) return this.coverage(group, family) === 'all' ? 'assumed' : 'no';
    return addresses.some((address) => familyOf(address) === family && this.#contains(group, address)) ? 'yes' : 'no';
  }

  /** How much it holds of what a pod without an address may get. */
  coverage(group: Blocks, family: Family): Coverage {
    const known = this.#coverages[family].get(group.id);
    if (known !== undefined) return known;
    const blocks = rangesOf(group.cidrs, family);
    const parts = new Set(this.#podRanges(family).map((cidr) => coverage(rangeOf(cidr), blocks)));
    const found = parts.size === 1 ? ([...parts][0] ?? 'none') : parts.size === 0 ? 'none' : 'part';
    this.#coverages[family].set(group.id, found);
    return found;
  }

  #podRanges(family: Family): readonly Cidr[] {
    const { podCidrs } = this.#options;
    return (podCidrs.length > 0 ? podCidrs : families.map(wholeFamily)).filter((cidr) => cidr.family === family);
  }

  #contains(group: Blocks, address: Address): boolean {
    const search = this.#searches.get(group.id) ?? new CidrSearch(group.cidrs);
    this.#searches.set(group.id, search);
    return search.containsNumber(this.#numberOf(address), familyOf(address));
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
export function partialBlocks({ groups }: PolicyProgram, options: BlockOptions): readonly string[] {
  if (options.ipBlocks === 'external') return [];
  const matcher = new BlockMatcher(options);
  return [...groups.values()].flatMap((group) => {
    if (group.kind !== 'blocks') return [];
    const found = families.map((family) => matcher.coverage(group, family));
    return found.includes('part') && !found.includes('all') ? [group.title] : [];
  });
}
