/**
 * Which addresses are a node's: those of its Node object, and what the pods on it say of it: status.hostIPs, and that
 * node-local DNS listens there. What passes between a pod and its own node is never filtered (SEMANTICS A7).
 */
import { isNodeLocalDns, nodeLocalDnsAddress, type Pod } from '../model/pod.js';
import type { Address } from '../model/address.js';

/** Two Nodes, or pods of two nodes, may say the same of one address: each counts. */
type Counts<Key> = Map<Key, number>;

export class NodeAddresses {
  /** By the name of a node; of its Node object. */
  readonly #own = new Map<string, readonly Address[]>();
  readonly #byName = new Map<string, Counts<Address>>();
  readonly #byAddress = new Map<Address, Counts<string>>();
  #version = 0;
  #all: ReadonlySet<Address> | undefined;

  /** @param addresses of its Node object; undefined: there is none */
  setNode(name: string, addresses: readonly Address[] | undefined): void {
    for (const address of this.#own.get(name) ?? []) this.#count(name, address, -1);
    for (const address of addresses ?? []) this.#count(name, address, 1);
    if (addresses === undefined) this.#own.delete(name);
    else this.#own.set(name, addresses);
  }

  /** A pod came, changed or went. */
  replacePod(before: Pod | undefined, after: Pod | undefined): void {
    for (const address of reportedBy(before)) this.#count(before?.node ?? '', address, -1);
    for (const address of reportedBy(after)) this.#count(after?.node ?? '', address, 1);
  }

  /** In an order that depends on nothing but what is known now; undefined for a node of which nothing is. */
  of(name: string): readonly Address[] | undefined {
    const own = this.#own.get(name);
    const reported = [...(this.#byName.get(name)?.keys() ?? [])].filter((address) => own?.includes(address) !== true);
    return own === undefined && reported.length === 0 ? undefined : [...(own ?? []), ...reported.sort()];
  }

  /** Names of the nodes that have the address. */
  at(address: Address): readonly string[] {
    return [...(this.#byAddress.get(address)?.keys() ?? [])].sort();
  }

  has(address: Address): boolean {
    return this.#byAddress.has(address);
  }

  /** Of all nodes; another set after each change. */
  all(): ReadonlySet<Address> {
    return (this.#all ??= new Set(this.#byAddress.keys()));
  }

  /** Another one whenever an address has come or gone. */
  get version(): number {
    return this.#version;
  }

  #count(name: string, address: Address, change: 1 | -1): void {
    countIn(this.#byName, name, address, change);
    const had = this.#byAddress.has(address);
    countIn(this.#byAddress, address, name, change);
    if (had === this.#byAddress.has(address)) return;
    this.#version += 1;
    this.#all = undefined;
  }
}

/** Of what is known once and for all. */
export function nodeAddressesOf(
  nodes: Iterable<{ readonly name: string; readonly addresses: readonly Address[] }>,
  pods: Iterable<Pod>,
): NodeAddresses {
  const found = new NodeAddresses();
  for (const { name, addresses } of nodes) found.setNode(name, addresses);
  for (const pod of pods) found.replacePod(undefined, pod);
  return found;
}

/** A finished pod may say what was true long ago. */
function reportedBy(pod: Pod | undefined): readonly Address[] {
  if (pod === undefined || pod.node === '' || pod.phase === 'Succeeded' || pod.phase === 'Failed') return [];
  const { hostAddresses = [] } = pod;
  return isNodeLocalDns(pod) ? [...hostAddresses, nodeLocalDnsAddress] : hostAddresses;
}

function countIn<Outer, Inner>(counts: Map<Outer, Counts<Inner>>, outer: Outer, inner: Inner, change: 1 | -1): void {
  const known = counts.get(outer) ?? new Map<Inner, number>();
  const count = (known.get(inner) ?? 0) + change;
  if (count === 0) known.delete(inner);
  else known.set(inner, count);
  if (known.size === 0) counts.delete(outer);
  else counts.set(outer, known);
}
