import { families, familyOf, type Family } from '../../model/address.js';
import type { Endpoint } from '../../program/types.js';

/**
 * The families that endpoints of this node have addresses of. Packets reach a rule by an endpoint's address, so that rules
 * and sets of another family would only be read by nft before every transaction, and never by a packet.
 */
export class AddressFamilies {
  readonly #addresses = new Map<Family, number>();

  /** An endpoint is another one now, has come, or has gone. */
  replace(before: Endpoint | undefined, after: Endpoint | undefined): void {
    for (const address of before?.addresses ?? []) this.#count(familyOf(address), -1);
    for (const address of after?.addresses ?? []) this.#count(familyOf(address), 1);
  }

  inUse(): readonly Family[] {
    return families.filter((family) => this.#addresses.has(family));
  }

  #count(family: Family, change: 1 | -1): void {
    const count = (this.#addresses.get(family) ?? 0) + change;
    if (count === 0) this.#addresses.delete(family);
    else this.#addresses.set(family, count);
  }
}
