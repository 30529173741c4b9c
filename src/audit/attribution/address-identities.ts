/** Which pod had an address when a packet arrived. Addresses are reused and records lag: each address has its history. */
import ipaddr from 'ipaddr.js';
import { AddressOwners, heldBy } from '../../addresses/address-owners.js';
import { CidrIndex } from '../../addresses/cidr-index.js';
import { NodeAddresses } from '../../addresses/node-addresses.js';
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

/** Whom to ask beside the cluster's objects. */
export interface AddressSources {
  /** The addresses of this machine's interfaces now: bridges and dummies too, which no object names. */
  readonly ownAddresses?: () => Iterable<Address>;
  /** An address is that of no pod and no Node; it may be that of a Node of which nothing has been heard. */
  readonly onAddressNotFound?: () => void;
}

/** Milliseconds for which an answer of the machine holds. */
const ownReadEvery = 10_000;

class OwnAddresses {
  readonly #read: () => Iterable<Address>;
  #known: ReadonlySet<Address> = new Set();
  #readAt = -Infinity;

  constructor(read: () => Iterable<Address>) {
    this.#read = read;
  }

  has(address: Address, time: number): boolean {
    if (time - this.#readAt >= ownReadEvery) [this.#known, this.#readAt] = [new Set(this.#read()), time];
    return this.#known.has(address);
  }
}

export class AddressIdentities {
  readonly #owners = new AddressOwners();
  readonly #pods = new Map<string, Pod>();
  readonly #byAddress = new Timeline<Address, Pod>({ kept, pastKeys: pastAddresses });
  readonly #nodes = new Map<string, Node>();
  readonly #nodeAddresses = new NodeAddresses();
  readonly #own: OwnAddresses;
  /** Names of Nodes, by the ranges of their pods. */
  readonly #podRanges = new CidrIndex<string>();
  readonly #onNotFound: () => void;

  constructor({ ownAddresses = () => [], onAddressNotFound = () => undefined }: AddressSources = {}) {
    this.#own = new OwnAddresses(ownAddresses);
    this.#onNotFound = onAddressNotFound;
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
    if (this.#nodeAddresses.has(address) || this.#own.has(address, time)) return node;
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
    this.#nodeAddresses.replacePod(before, after);
    for (const address of new Set([...heldBy(before), ...heldBy(after)]))
      this.#byAddress.set(address, this.#owners.holderOf(address), time, (a, b) => a.uid === b.uid);
  }

  /** The work is that of one Node, however many there are. */
  #applyNode(name: string, after: Node | undefined): void {
    for (const cidr of this.#nodes.get(name)?.podCidrs ?? []) this.#podRanges.remove(cidr, name);
    for (const cidr of after?.podCidrs ?? []) this.#podRanges.add(cidr, name);
    this.#nodeAddresses.setNode(name, after?.addresses);
    if (after === undefined) this.#nodes.delete(name);
    else this.#nodes.set(name, after);
  }
}
