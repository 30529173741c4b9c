import type { Address } from '../model/address.js';
import { isEnforceable, objectKey, type Pod } from '../model/pod.js';

/** Who holds an address: of several live pods the newest, since an old one may linger while its address is reused. */
export class AddressOwners {
  readonly #holders = new Map<Address, readonly Pod[]>();

  /**
   * A pod came, changed or went.
   * @returns keys of the pods whose addresses this may have changed, the pod itself included.
   */
  replace(before: Pod | undefined, after: Pod | undefined): ReadonlySet<string> {
    const affected = new Set<string>();
    const addresses = new Set([...heldBy(before), ...heldBy(after)]);
    for (const address of addresses) {
      const others = (this.#holders.get(address) ?? []).filter((pod) => pod !== before);
      const holders = after !== undefined && heldBy(after).includes(address) ? [...others, after] : others;
      for (const pod of others) affected.add(objectKey(pod.ref));
      if (holders.length === 0) this.#holders.delete(address);
      else this.#holders.set(address, [...holders].sort(newestFirst));
    }
    for (const pod of [before, after]) if (pod !== undefined) affected.add(objectKey(pod.ref));
    return affected;
  }

  isHeld(address: Address): boolean {
    return this.#holders.has(address);
  }

  /** The newest pod that holds it. */
  holderOf(address: Address): Pod | undefined {
    return this.#holders.get(address)?.[0];
  }

  /** The pod's addresses that no newer pod holds. */
  addressesOf(pod: Pod): readonly Address[] {
    const held = heldBy(pod);
    const isOwn = (address: Address): boolean => this.holderOf(address) === pod;
    // Nearly always all of them: no other list for each pod.
    return held.every(isOwn) ? held : held.filter(isOwn);
  }
}

/** What the pod has of its own: a pod of the host's network has nothing. */
export const heldBy = (pod: Pod | undefined): readonly Address[] =>
  pod !== undefined && isEnforceable(pod) ? pod.addresses : [];

function newestFirst(a: Pod, b: Pod): number {
  if (a.created !== b.created) return b.created - a.created;
  const [left, right] = [`${a.uid} ${objectKey(a.ref)}`, `${b.uid} ${objectKey(b.ref)}`];
  return left > right ? -1 : left < right ? 1 : 0;
}
