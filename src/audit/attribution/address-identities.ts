/** Which pod had an address when a packet arrived. Addresses are reused and records lag: each address has its history. */
import ipaddr from 'ipaddr.js';
import { AddressOwners, heldBy } from '../../addresses/address-owners.js';
import { CidrIndex } from '../../addresses/cidr-index.js';
import { addressToNumber, familyOf, type Address } from '../../model/address.js';
import type { ClusterChange } from '../../model/cluster.js';
import { objectKey, type Node, type Pod } from '../../model/pod.js';
import type { EndpointClass } from '../record.js';
import { Timeline } from '../timeline.js';

export interface Identity {
  readonly class: EndpointClass;
  /** Present for the class `pod` alone. */
  readonly pod?: Pod;
}

const external: Identity = { class: 'external' };
const node: Identity = { class: 'node' };
const unknown: Identity = { class: 'unknown' };

/** Longer than a record can lag behind its packet. Milliseconds. */
const kept = 10 * 60_000;
/** Addresses whose previous pods are kept. */
const pastAddresses = 65_536;

/** Ranges that clusters give to pods when no Node says which. */
const privateRanges: ReadonlySet<string> = new Set(['private', 'uniqueLocal', 'carrierGradeNat', 'linkLocal']);

/** Ranges of which no Node has an address. */
const notOfNodes: ReadonlySet<string> = new Set(['multicast', 'broadcast', 'loopback', 'unspecified']);

export class AddressIdentities {
  readonly #owners = new AddressOwners();
  readonly #pods = new Map<string, Pod>();
  readonly #byAddress = new Timeline<Address, Pod>({ kept, pastKeys: pastAddresses });
  readonly #nodes = new Map<string, Node>();
  /** How many Nodes name an address. */
  readonly #nodeAddresses = new Map<Address, number>();
  /** Names of Nodes, by the ranges of their pods. */
  readonly #podRanges = new CidrIndex<string>();
  readonly #onNotFound: () => void;

  /** @param onNotFound an address was asked for that may be that of a Node, and no known one has it */
  constructor(onNotFound: () => void = () => undefined) {
    this.#onNotFound = onNotFound;
  }

  /** @param time when the changes were noticed, in milliseconds since the epoch */
  apply(changes: readonly ClusterChange[], time: number): void {
    for (const change of changes) {
      if (change.kind === 'pod') this.#applyPod(objectKey(change.ref), change.pod, time);
      if (change.kind === 'node') this.#applyNode(change.name, change.node);
    }
  }

  at(address: Address, time: number): Identity {
    const pod = this.#byAddress.at(address, time);
    if (pod !== undefined) return { class: 'pod', pod };
    if (this.#nodeAddresses.has(address)) return node;
    if (this.#podRanges.at(addressToNumber(address), familyOf(address)).length > 0) return unknown;
    const range = ipaddr.parse(address).range();
    if (!notOfNodes.has(range)) this.#onNotFound();
    return this.#podRanges.isEmpty && privateRanges.has(range) ? unknown : external;
  }

  #applyPod(key: string, after: Pod | undefined, time: number): void {
    const before = this.#pods.get(key);
    if (after === undefined) this.#pods.delete(key);
    else this.#pods.set(key, after);
    this.#owners.replace(before, after);
    for (const address of new Set([...heldBy(before), ...heldBy(after)]))
      this.#byAddress.set(address, this.#owners.holderOf(address), time, (a, b) => a.uid === b.uid);
  }

  /** The work is that of one Node, however many there are. */
  #applyNode(name: string, after: Node | undefined): void {
    const before = this.#nodes.get(name);
    for (const address of before?.addresses ?? []) this.#countNodeAddress(address, -1);
    for (const cidr of before?.podCidrs ?? []) this.#podRanges.remove(cidr, name);
    for (const address of after?.addresses ?? []) this.#countNodeAddress(address, 1);
    for (const cidr of after?.podCidrs ?? []) this.#podRanges.add(cidr, name);
    if (after === undefined) this.#nodes.delete(name);
    else this.#nodes.set(name, after);
  }

  #countNodeAddress(address: Address, change: 1 | -1): void {
    const count = (this.#nodeAddresses.get(address) ?? 0) + change;
    if (count > 0) this.#nodeAddresses.set(address, count);
    else this.#nodeAddresses.delete(address);
  }
}
