import { cidrContains, type Address, type Cidr } from '../model/address.js';
import type { UnknownChange } from '../program/types.js';
import { mergeCidrs } from '../addresses/cidr-sets.js';
import { Delta } from './recorder.js';

/** The address ranges of pods, and the addresses in them that known pods have: all other addresses in them are denied. */
export class KnownPods {
  readonly known = new Set<Address>();
  readonly #always: readonly Cidr[];
  #ranges: readonly Cidr[];
  #delta = new Delta<Address>();
  #rangesChanged: boolean;

  /** @param always ranges beside those of the Node object */
  constructor(always: readonly Cidr[]) {
    this.#always = always;
    this.#ranges = mergeCidrs(always);
    this.#rangesChanged = this.#ranges.length > 0;
  }

  get ranges(): readonly Cidr[] {
    return this.#ranges;
  }

  /** @param held every address that a pod has, asked for when the ranges have changed */
  setNodeRanges(podCidrs: readonly Cidr[], held: () => Iterable<Address>): void {
    const ranges = mergeCidrs([...this.#always, ...podCidrs]);
    if (JSON.stringify(ranges) === JSON.stringify(this.#ranges)) return;
    this.#ranges = ranges;
    this.#rangesChanged = true;
    for (const address of held()) this.settle(address, true);
    for (const address of this.known) if (!this.#isInRanges(address)) this.settle(address, false);
  }

  settle(address: Address, isHeld: boolean): void {
    const isKnown = isHeld && this.#isInRanges(address);
    if (isKnown === this.known.has(address)) return;
    if (isKnown) {
      this.known.add(address);
      this.#delta.add(address);
    } else {
      this.known.delete(address);
      this.#delta.remove(address);
    }
  }

  /** What has changed since the last step; undefined when nothing has. */
  endStep(): UnknownChange | undefined {
    const { added, removed, isEmpty } = this.#delta;
    const rangesChanged = this.#rangesChanged;
    if (isEmpty && !rangesChanged) return undefined;
    this.#delta = new Delta();
    this.#rangesChanged = false;
    return { ...(rangesChanged ? { ranges: this.#ranges } : {}), added: [...added], removed: [...removed] };
  }

  #isInRanges(address: Address): boolean {
    return this.#ranges.some((range) => cidrContains(range, address));
  }
}
