/** Which pod had an address when a packet arrived. Addresses are reused and records lag: each address has its history. */
import ipaddr from 'ipaddr.js';
import { AddressOwners, heldBy } from '../../addresses/address-owners.js';
import { CidrSearch } from '../../addresses/cidr-search.js';
import { mergeCidrs } from '../../addresses/cidr-sets.js';
import type { Address } from '../../model/address.js';
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

export class AddressIdentities {
  readonly #owners = new AddressOwners();
  readonly #pods = new Map<string, Pod>();
  readonly #byAddress = new Timeline<Address, Pod>({ kept, pastKeys: pastAddresses });
  readonly #nodes = new Map<string, Node>();
  #nodeAddresses: ReadonlySet<Address> = new Set();
  #podRanges = new CidrSearch([]);
  /** Whether any Node says its pods' ranges. */
  #hasPodRanges = false;

  /** @param time when the changes were noticed, in milliseconds since the epoch */
  apply(changes: readonly ClusterChange[], time: number): void {
    for (const change of changes) {
      if (change.kind === 'pod') this.#applyPod(objectKey(change.ref), change.pod, time);
      if (change.kind === 'node') this.#applyNode(change.name, change.node);
    }
    if (changes.some(({ kind }) => kind === 'node')) this.#nodesChanged();
  }

  at(address: Address, time: number): Identity {
    const pod = this.#byAddress.at(address, time);
    if (pod !== undefined) return { class: 'pod', pod };
    if (this.#nodeAddresses.has(address)) return node;
    if (this.#podRanges.contains(address)) return unknown;
    const mayBePod = !this.#hasPodRanges && privateRanges.has(ipaddr.parse(address).range());
    return mayBePod ? unknown : external;
  }

  #applyPod(key: string, after: Pod | undefined, time: number): void {
    const before = this.#pods.get(key);
    if (after === undefined) this.#pods.delete(key);
    else this.#pods.set(key, after);
    this.#owners.replace(before, after);
    for (const address of new Set([...heldBy(before), ...heldBy(after)]))
      this.#byAddress.set(address, this.#owners.holderOf(address), time, (a, b) => a.uid === b.uid);
  }

  #applyNode(name: string, after: Node | undefined): void {
    if (after === undefined) this.#nodes.delete(name);
    else this.#nodes.set(name, after);
  }

  #nodesChanged(): void {
    const nodes = [...this.#nodes.values()];
    this.#nodeAddresses = new Set(nodes.flatMap(({ addresses }) => addresses));
    const podCidrs = nodes.flatMap((one) => one.podCidrs);
    this.#podRanges = new CidrSearch(mergeCidrs(podCidrs));
    this.#hasPodRanges = podCidrs.length > 0;
  }
}
