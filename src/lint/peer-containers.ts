/**
 * Which peers of a rule contain another peer. A rule may have 100,000 of them: only those are compared that can contain it,
 * which are few: a block by the addresses that it begins with, selectors by their first requirement.
 */
import { addressToNumber, bitsOf, type Cidr, type Family } from '../model/address.js';
import type { LabelSelector } from '../model/labels.js';
import type { Peer } from '../model/policy.js';
import { peerWithin } from './containment.js';

export class PeerContainers {
  static readonly #known = new WeakMap<readonly Peer[], PeerContainers>();
  readonly #peers: readonly Peer[];
  /** Indices of peers, ascending. */
  readonly #byKey = new Map<string, number[]>();
  readonly #prefixes: Readonly<Record<Family, Set<number>>> = { IPv4: new Set(), IPv6: new Set() };

  private constructor(peers: readonly Peer[]) {
    this.#peers = peers;
    for (const [index, peer] of peers.entries()) for (const key of this.#keysOf(peer)) this.#add(key, index);
  }

  static of(peers: readonly Peer[]): PeerContainers {
    const known = PeerContainers.#known.get(peers) ?? new PeerContainers(peers);
    PeerContainers.#known.set(peers, known);
    return known;
  }

  /**
   * Indices of the peers that contain `narrow`; one that is equal to it does.
   * @param namespace the policies' own
   */
  *containing(narrow: Peer, namespace: string): Generator<number> {
    const seen = new Set<number>();
    for (const key of this.#keysOfContainers(narrow))
      for (const index of this.#byKey.get(key) ?? []) {
        const wide = this.#peers[index];
        // A selector stands under each value of its first requirement.
        if (seen.has(index)) continue;
        seen.add(index);
        if (wide !== undefined && peerWithin(narrow, wide, namespace)) yield index;
      }
  }

  /** Whether one of the peers contains it. */
  contain(narrow: Peer, namespace: string): boolean {
    return this.containing(narrow, namespace).next().done !== true;
  }

  #add(key: string, index: number): void {
    const indices = this.#byKey.get(key);
    if (indices === undefined) this.#byKey.set(key, [index]);
    else indices.push(index);
  }

  #keysOf(peer: Peer): readonly string[] {
    if (peer.kind === 'pods') return keysOfSelector(peer.pods);
    this.#prefixes[peer.cidr.family].add(peer.cidr.prefix);
    return [keyOfBlock(peer.cidr, peer.cidr.prefix)];
  }

  /** Under which everything stands that may contain `narrow`. */
  #keysOfContainers(narrow: Peer): readonly string[] {
    if (narrow.kind === 'ipBlock') {
      const { cidr } = narrow;
      return [...this.#prefixes[cidr.family]]
        .filter((prefix) => prefix <= cidr.prefix)
        .sort((a, b) => a - b)
        .map((prefix) => keyOfBlock(cidr, prefix));
    }
    const keys = narrow.pods.requirements.flatMap((one) =>
      one.operator === 'In' ? [otherKey(one.key), valueKey(one.key, one.values[0] ?? '')] : [otherKey(one.key)],
    );
    return [...new Set([everyPod, ...keys])];
  }
}

/** The index of another peer of a rule that contains the one at `index`; of equals, the first one is no copy. */
export function indexOfContainer(peers: readonly Peer[], index: number, namespace: string): number | undefined {
  const own = peers[index];
  if (own === undefined) return undefined;
  for (const at of PeerContainers.of(peers).containing(own, namespace)) {
    const other = peers[at];
    if (at !== index && other !== undefined && (at < index || !peerWithin(other, own, namespace))) return at;
  }
  return undefined;
}

const everyPod = 'every pod';
const valueKey = (key: string, value: string): string => `in ${key} ${value}`;
const otherKey = (key: string): string => `other ${key}`;

/** What contains another selector has its first requirement met by one of the other's, about the same label. */
function keysOfSelector({ requirements: [first] }: LabelSelector): readonly string[] {
  if (first === undefined) return [everyPod];
  return first.operator === 'In' ? first.values.map((value) => valueKey(first.key, value)) : [otherKey(first.key)];
}

const keyOfBlock = ({ family, address }: Cidr, prefix: number): string =>
  `${family} ${prefix} ${addressToNumber(address) >> BigInt(bitsOf(family) - prefix)}`;
