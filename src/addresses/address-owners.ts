import type { Address } from '../model/address.js';
import { isSamePod, type LinkBinding } from '../model/link-binding.js';
import { isEnforceable, objectKey, type Pod } from '../model/pod.js';

/**
 * Who holds an address: of several live pods the one whose link of this node has it, else the newest, since an old one may
 * linger while its address is reused.
 */
export class AddressOwners {
  readonly #holders = new Map<Address, readonly Pod[]>();
  /** The pod whose link of this node has the address. */
  readonly #bound = new Map<Address, Pick<LinkBinding, 'pod' | 'podUid'>>();

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
      else this.#holders.set(address, this.#sorted(address, holders));
    }
    for (const pod of [before, after]) if (pod !== undefined) affected.add(objectKey(pod.ref));
    return affected;
  }

  /**
   * A link of this node has the address, or no longer.
   * @returns keys of the pods whose addresses this may have changed
   */
  bind(address: Address, to: Pick<LinkBinding, 'pod' | 'podUid'> | undefined): Iterable<string> {
    if (to === undefined) this.#bound.delete(address);
    else this.#bound.set(address, to);
    const holders = this.#holders.get(address) ?? [];
    if (holders.length > 1) this.#holders.set(address, this.#sorted(address, holders));
    return holders.map(({ ref }) => objectKey(ref));
  }

  isHeld(address: Address): boolean {
    return this.#holders.has(address);
  }

  /** The pod that holds it. */
  holderOf(address: Address): Pod | undefined {
    return this.#holders.get(address)?.[0];
  }

  /** The pod's addresses that no other pod holds. */
  addressesOf(pod: Pod): readonly Address[] {
    const held = heldBy(pod);
    const isOwn = (address: Address): boolean => this.holderOf(address) === pod;
    // Nearly always all of them: no other list for each pod.
    return held.every(isOwn) ? held : held.filter(isOwn);
  }

  #sorted(address: Address, holders: readonly Pod[]): readonly Pod[] {
    const bound = this.#bound.get(address);
    const isBound = ({ ref: pod, uid: podUid }: Pod): number =>
      bound !== undefined && isSamePod(bound, { pod, podUid }) ? 1 : 0;
    return [...holders].sort((a, b) => isBound(b) - isBound(a) || newestFirst(a, b));
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
