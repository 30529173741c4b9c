import { addressToNumber, familyOf, type Address, type Cidr, type Family } from '../model/address.js';
import { rangesOf, type AddressRange } from './address-ranges.js';

/** Whether one of many disjoint CIDRs holds an address, by binary search: blocks hold up to 10,000 CIDRs. */
export class CidrSearch {
  readonly #ranges: Readonly<Record<Family, readonly AddressRange[]>>;

  /** @param cidrs disjoint */
  constructor(cidrs: readonly Cidr[]) {
    this.#ranges = { IPv4: rangesOf(cidrs, 'IPv4'), IPv6: rangesOf(cidrs, 'IPv6') };
  }

  contains(address: Address): boolean {
    return this.containsNumber(addressToNumber(address), familyOf(address));
  }

  containsNumber(value: bigint, family: Family): boolean {
    const ranges = this.#ranges[family];
    let low = 0;
    let high = ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const range = ranges[middle];
      if (range === undefined) return false;
      if (value < range.first) high = middle - 1;
      else if (value > range.last) low = middle + 1;
      else return true;
    }
    return false;
  }
}
