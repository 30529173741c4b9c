/** Which of many endpoints a peer matches, found without asking each of them. */
import type { Address, Family } from '../model/address.js';
import type { Group, PeerMatch, PolicyProgram } from '../program/types.js';
import { rangesOf } from '../addresses/address-ranges.js';
import type { ExternalRange } from './external-ranges.js';
import { workloadAddress, type FlowEndpoint } from './flow-endpoints.js';
import type { RuleMatcher } from './rule-matcher.js';
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
  readonly #found: Readonly<Record<Family, Map<string, Matching>>> = { IPv4: new Map(), IPv6: new Map() };

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

  of(peer: PeerMatch, family: Family): Matching {
    const key = peer.kind === 'anyone' ? '' : peer.of;
    const known = this.#found[family].get(key);
    if (known !== undefined) return known;
    const sure: number[] = [];
    const assumed: number[] = [];
    for (const number of this.#candidates(peer, family)) {
      const endpoint = this.#endpoints[number];
      if (endpoint === undefined) continue;
      const membership = this.#matcher.matchPeer(peer, endpoint, family);
      if (membership === 'yes') sure.push(number);
      if (membership === 'assumed') assumed.push(number);
    }
    const found = { sure, assumed };
    this.#found[family].set(key, found);
    return found;
  }

  /** All that match, and others. */
  #candidates(peer: PeerMatch, family: Family): readonly number[] {
    const group = peer.kind === 'anyone' ? undefined : this.#program.groups.get(peer.of);
    if (group?.kind === 'pods') return [...group.members].flatMap((member) => this.#numbers.get(member) ?? []);
    const ranges = group?.kind === 'blocks' ? this.#within(group, family) : this.#ranges[family];
    return [...this.#workloads, ...ranges.map(({ number }) => number)];
  }

  #within({ cidrs }: Extract<Group, { kind: 'blocks' }>, family: Family): readonly NumberedRange[] {
    const ranges = this.#ranges[family];
    return rangesOf(cidrs, family).flatMap(({ first, last }) =>
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
