import { addressToNumber, bitsOf, type Cidr, type Family } from '../model/address.js';

type ByNetwork<T> = Map<bigint, T[]>;

/** Which of many CIDRs hold an address: one look-up for every length of prefix among them, however many they are. */
export class CidrIndex<T> {
  readonly #byPrefix: Readonly<Record<Family, Map<number, ByNetwork<T>>>> = { IPv4: new Map(), IPv6: new Map() };

  constructor(entries: Iterable<readonly [Cidr, T]> = []) {
    for (const [cidr, value] of entries) this.add(cidr, value);
  }

  add(cidr: Cidr, value: T): void {
    const lengths = this.#byPrefix[cidr.family];
    const networks: ByNetwork<T> = lengths.get(cidr.prefix) ?? new Map<bigint, T[]>();
    lengths.set(cidr.prefix, networks);
    const first = addressToNumber(cidr.address);
    const values = networks.get(first);
    if (values === undefined) networks.set(first, [value]);
    else values.push(value);
  }

  /** Undoes one `add` of the same. */
  remove(cidr: Cidr, value: T): void {
    const lengths = this.#byPrefix[cidr.family];
    const networks = lengths.get(cidr.prefix);
    const first = addressToNumber(cidr.address);
    const values = networks?.get(first);
    const index = values?.indexOf(value) ?? -1;
    if (index < 0) return;
    values?.splice(index, 1);
    if (values?.length === 0) networks?.delete(first);
    if (networks?.size === 0) lengths.delete(cidr.prefix);
  }

  get isEmpty(): boolean {
    return this.#byPrefix.IPv4.size === 0 && this.#byPrefix.IPv6.size === 0;
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
