import type { Address } from '../model/address.js';
import type { LinkBinding } from '../model/link-binding.js';
import { objectKey } from '../model/pod.js';

/** The links of this node, by what the compiler asks of them. Each has a key of its own, beside that of its pod. */
export class Links {
  readonly #links = new Map<string, LinkBinding>();
  readonly #byAddress = new Map<Address, Set<string>>();
  readonly #byPod = new Map<string, Set<string>>();
  readonly #byNamespace = new Map<string, Set<string>>();

  /** No pod has such a key. */
  static keyOf({ pod, ifindex }: LinkBinding): string {
    return `${objectKey(pod)} ${ifindex}`;
  }

  get(key: string): LinkBinding | undefined {
    return this.#links.get(key);
  }

  add(link: LinkBinding): void {
    const key = Links.keyOf(link);
    this.#links.set(key, link);
    for (const [index, value] of this.#places(link)) {
      const keys = index.get(value);
      if (keys === undefined) index.set(value, new Set([key]));
      else keys.add(key);
    }
  }

  remove(link: LinkBinding): void {
    const key = Links.keyOf(link);
    this.#links.delete(key);
    for (const [index, value] of this.#places(link)) {
      const keys = index.get(value);
      keys?.delete(key);
      if (keys?.size === 0) index.delete(value);
    }
  }

  /** Keys of the links that have the address; the one that was made last is first. */
  withAddress(address: Address): readonly string[] {
    const indexOf = (key: string): number => this.#links.get(key)?.ifindex ?? 0;
    return [...(this.#byAddress.get(address) ?? [])].sort((a, b) => indexOf(b) - indexOf(a));
  }

  ofPod(podKey: string): Iterable<string> {
    return this.#byPod.get(podKey) ?? [];
  }

  inNamespace(namespace: string): Iterable<string> {
    return this.#byNamespace.get(namespace) ?? [];
  }

  #places({ pod, addresses }: LinkBinding): (readonly [Map<string, Set<string>>, string])[] {
    return [
      ...addresses.map((address) => [this.#byAddress as Map<string, Set<string>>, address] as const),
      [this.#byPod, objectKey(pod)],
      [this.#byNamespace, pod.namespace],
    ];
  }
}
