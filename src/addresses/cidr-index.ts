import type { Cidr, Family } from '../model/address.js';
import { bitsOf } from '../model/address.js';
import { rangeOf } from './address-ranges.js';

type ByNetwork<T> = Map<bigint, T[]>;

/** Which of many CIDRs hold an address: one look-up for every length of prefix among them, however many they are. */
export class CidrIndex<T> {
  readonly #byPrefix: Readonly<Record<Family, Map<number, ByNetwork<T>>>> = { IPv4: new Map(), IPv6: new Map() };

  constructor(entries: Iterable<readonly [Cidr, T]>) {
    for (const [cidr, value] of entries) {
      const lengths = this.#byPrefix[cidr.family];
      const networks: ByNetwork<T> = lengths.get(cidr.prefix) ?? new Map<bigint, T[]>();
      lengths.set(cidr.prefix, networks);
      const { first } = rangeOf(cidr);
      const values = networks.get(first);
      if (values === undefined) networks.set(first, [value]);
      else values.push(value);
    }
  }

  /** Of every CIDR that holds the address; the widest ones may come last. */
  at(address: bigint, family: Family): readonly T[] {
    const found: T[] = [];
    for (const [prefix, networks] of this.#byPrefix[family]) {
      const shift = BigInt(bitsOf(family) - prefix);
      for (const value of networks.get((address >> shift) << shift) ?? []) found.push(value);
    }
    return found;
  }
}
