/** Which of many endpoints a peer matches, found without asking each of them. */
import type { Address, Family } from '../model/address.js';
import type { GroupId, PeerMatch, PolicyProgram } from '../program/types.js';
import { mergeRanges } from '../addresses/address-ranges.js';
import type { ExternalRange } from './external-ranges.js';
import { workloadAddress, type FlowEndpoint } from './flow-endpoints.js';
import { blocksOf, rangesOfBlock, type BlockPeer } from './rule-blocks.js';
import { groupOf, type RuleMatcher } from './rule-matcher.js';
import type { Workload } from '../model/workload.js';

/** Endpoints are numbered: the workloads, then the ranges. */
export interface NumberedEndpoints {
  readonly workloads: readonly Workload[];
  /** By family, then sorted and disjoint; no block of the program begins or ends inside one. */
  readonly ranges: readonly ExternalRange[];
}

/** By number. */
interface Matching {
  readonly sure: readonly number[];
  readonly assumed: readonly number[];
}

export class MatchingEndpoints {
  readonly #program: PolicyProgram;
  readonly #matcher: RuleMatcher;
  readonly #endpoints: readonly FlowEndpoint[];
  readonly #workloads: readonly number[];
  readonly #numbers: ReadonlyMap<Address, number>;
  readonly #ranges: Readonly<Record<Family, readonly NumberedRange[]>>;
  readonly #found: Readonly<Record<Family, Map<PeerMatch, Matching>>> = { IPv4: new Map(), IPv6: new Map() };

  constructor(program: PolicyProgram, { workloads, ranges }: NumberedEndpoints, matcher: RuleMatcher) {
    this.#program = program;
    this.#matcher = matcher;
    this.#endpoints = [
      ...workloads.map((workload): FlowEndpoint => ({ kind: 'workload', workload })),
      ...ranges.map((range): FlowEndpoint => ({ kind: 'address', address: range.sample, range })),
    ];
    this.#workloads = [...workloads.keys()];
    this.#numbers = new Map(workloads.map((workload, number) => [workloadAddress(workload), number]));
    const numbered = ranges.map((range, index) => ({ range, number: workloads.length + index }));
    this.#ranges = {
      IPv4: numbered.filter(({ range }) => range.family === 'IPv4'),
      IPv6: numbered.filter(({ range }) => range.family === 'IPv6'),
    };
  }

  endpointAt(number: number): FlowEndpoint {
    const endpoint = this.#endpoints[number];
    if (endpoint === undefined) throw new Error(`no endpoint has the number ${number}`);
    return endpoint;
  }

  of(peers: PeerMatch, family: Family): Matching {
    const known = this.#found[family].get(peers);
    if (known !== undefined) return known;
    const sure: number[] = [];
    const assumed: number[] = [];
    for (const number of this.#candidates(peers, family)) {
      const endpoint = this.#endpoints[number];
      if (endpoint === undefined) continue;
      const matched = this.#matcher.matchPeers(peers, endpoint, family);
      if (matched.some((peer) => !peer.assumed)) sure.push(number);
      else if (matched.length > 0) assumed.push(number);
    }
    const found = { sure, assumed };
    this.#found[family].set(peers, found);
    return found;
  }

  /** All that match, and others; each once. */
  #candidates(peers: PeerMatch, family: Family): Iterable<number> {
    if (peers.kind === 'anyone') return [...this.#workloads, ...this.#ranges[family].map(({ number }) => number)];
    const numbers = new Set(peers.of.flatMap((peer) => (peer.kind === 'pods' ? this.#members(peer.of) : [])));
    const blocks = blocksOf(peers);
    if (blocks.length === 0) return numbers;
    for (const number of this.#workloads) numbers.add(number);
    for (const { number } of this.#within(blocks, family)) numbers.add(number);
    return numbers;
  }

  #members(id: GroupId): readonly number[] {
    const { members } = groupOf(this.#program, id);
    return [...members].flatMap((member) => this.#numbers.get(member as Address) ?? []);
  }

  #within(blocks: readonly BlockPeer[], family: Family): readonly NumberedRange[] {
    const ranges = this.#ranges[family];
    const held = blocks.filter(({ cidr }) => cidr.family === family).flatMap(rangesOfBlock);
    return mergeRanges(held).flatMap(({ first, last }) =>
      ranges.slice(firstFrom(ranges, first), firstFrom(ranges, last + 1n)),
    );
  }
}

interface NumberedRange {
  readonly range: ExternalRange;
  readonly number: number;
}

/** Index of the first range that begins at `value` or later. */
function firstFrom(ranges: readonly NumberedRange[], value: bigint): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle]?.range;
    if (range !== undefined && range.first < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
