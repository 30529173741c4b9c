import type { Address } from '../../model/address.js';
import { isSamePod, unknownUid, type LinkBinding } from '../../model/link-binding.js';
import { objectKey, type ObjectRef } from '../../model/pod.js';
import type { LinkOwner } from './link-claims.js';
import type { LinkIndex } from './link-index.js';

export interface PodToAttach {
  readonly pod: ObjectRef;
  readonly podUid: string;
  readonly addresses: readonly Address[];
}

/** What is known before anything is read. */
export interface KnownLinks {
  /** Whose links are: as an earlier discovery found, or an earlier agent. A link that is gone counts no more. */
  readonly known?: readonly LinkBinding[];
  /** Indexes of links whose pods have a live object, which has no address now. */
  readonly held?: ReadonlySet<number>;
  /** By the pod's uid. */
  readonly named?: ReadonlyMap<string, NamedLink>;
}

/** What CNI's result says of a pod's link. */
export interface NamedLink {
  /** Absent where the runtime did not say it. */
  readonly pod?: ObjectRef;
  /** The host's end. */
  readonly device: string;
  /** Of the pod's end. */
  readonly hardware?: string;
}

export const identityOf = ({ pod, podUid }: Pick<PodToAttach, 'pod' | 'podUid'>): string =>
  `${objectKey(pod)} ${podUid}`;

/** What was known of the links that are still there, by what is asked for every pod. */
export class LinksBefore {
  readonly owners = new Map<number, LinkOwner>();
  readonly #bindings = new Map<number, LinkBinding>();
  readonly #own = new Map<string, LinkBinding>();
  /** Links that hold an address for a live pod. */
  readonly #holding = new Map<Address, number>();

  constructor(
    pods: readonly PodToAttach[],
    { known = [], held = new Set() }: Pick<KnownLinks, 'known' | 'held'>,
    index: LinkIndex,
  ) {
    const live = new LivePods(pods);
    for (const binding of known) {
      if (index.at(binding.ifindex) === undefined) continue;
      const { ifindex, addresses } = binding;
      this.#bindings.set(ifindex, binding);
      const pod = live.podOf(binding);
      const isHeld = pod === undefined && held.has(ifindex);
      this.owners.set(ifindex, { pod: identityOf(pod ?? binding), isHeld });
      if (pod !== undefined) this.#addOwn(pod, binding);
      for (const address of addresses)
        if (isHeld || pod?.addresses.includes(address) === true) this.#holding.set(address, ifindex);
    }
  }

  at(ifindex: number): LinkBinding | undefined {
    return this.#bindings.get(ifindex);
  }

  /** The pod's own link: of several, one that has an address of it, then the newest. */
  ownOf(pod: PodToAttach): LinkBinding | undefined {
    return this.#own.get(identityOf(pod));
  }

  /** A link that holds an address of the pod for another one that is live. */
  holderOf(pod: PodToAttach): LinkBinding | undefined {
    const links = pod.addresses.flatMap((address) => this.#holding.get(address) ?? []);
    const other = links.find((link) => this.owners.get(link)?.pod !== identityOf(pod));
    return other === undefined ? undefined : this.#bindings.get(other);
  }

  #addOwn(pod: PodToAttach, binding: LinkBinding): void {
    const other = this.#own.get(identityOf(pod));
    if (other === undefined || rankOf(pod, binding) > rankOf(pod, other)) this.#own.set(identityOf(pod), binding);
  }
}

/** Whether the link was the pod's with an address that it still has; a guard without addresses does not say. */
export const sharesAddress = ({ addresses }: PodToAttach, binding: LinkBinding): boolean =>
  binding.addresses.some((address) => addresses.includes(address)) ||
  (binding.podUid === unknownUid && binding.addresses.length === 0);

// An index is far below it.
const rankOf = (pod: PodToAttach, binding: LinkBinding): number =>
  binding.ifindex + (sharesAddress(pod, binding) ? 2 ** 40 : 0);

class LivePods {
  readonly #byName: ReadonlyMap<string, PodToAttach>;
  readonly #byAddress: ReadonlyMap<Address, PodToAttach>;

  constructor(pods: readonly PodToAttach[]) {
    this.#byName = new Map(pods.map((pod) => [objectKey(pod.pod), pod]));
    this.#byAddress = new Map(pods.flatMap((pod) => pod.addresses.map((address) => [address, pod] as const)));
  }

  /**
   * The live pod that the link was bound to. A guard says a pod's name and addresses, not its uid: both must fit. Where it
   * could not carry the name, the addresses say it.
   */
  podOf(binding: LinkBinding): PodToAttach | undefined {
    const named = this.#byName.get(objectKey(binding.pod));
    if (binding.podUid !== unknownUid) return named !== undefined && isSamePod(named, binding) ? named : undefined;
    if (named !== undefined) return sharesAddress(named, binding) ? named : undefined;
    if (binding.pod.namespace !== '') return undefined;
    return binding.addresses.map((address) => this.#byAddress.get(address)).find((pod) => pod !== undefined);
  }
}
