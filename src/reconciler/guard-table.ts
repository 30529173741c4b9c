import { planGuards } from '../nftables/plan/guard-plan.js';
import { guardedLinks } from '../nftables/plan/guarded-links.js';
import { renderGuards, type GuardOptions, type Tunnels } from '../nftables/render/guards.js';
import { sameChain, sameElements, sameKind } from '../nftables/language/compare.js';
import { planUnflag } from '../nftables/plan/plan.js';
import type { Nftables } from '../nftables/language/nftables.js';
import type { Attachment } from '../model/attachment.js';
import type { Address } from '../model/address.js';
import type { ClusterChange } from '../model/cluster.js';
import type { LinkBinding } from '../model/link-binding.js';
import { objectKey, type ObjectRef } from '../model/pod.js';
import type { Ruleset } from '../nftables/language/types.js';
import { LinkBindings } from './link-bindings.js';

export interface LocalPod {
  readonly pod: ObjectRef;
  readonly podUid: string;
  readonly addresses: readonly Address[];
  /** Whether policies isolate it; where that is not said, they do. */
  readonly ingress?: { readonly kind: 'open' | 'isolated' };
  readonly egress?: { readonly kind: 'open' | 'isolated' };
  /** Index of the link by which alone it is still here. */
  readonly link?: number;
}

export interface UnattachedPod {
  readonly pod: ObjectRef;
  readonly podUid: string;
  readonly reason: string;
}

/** Reads links; kernel/ implements it, and tests run the loop without devices. */
export interface LinkReader {
  /** @param known whose links are @param held indexes of those whose pods are live without an address */
  discover(
    pods: readonly LocalPod[],
    known?: readonly LinkBinding[],
    held?: ReadonlySet<number>,
  ): Promise<{
    readonly attachments: readonly Attachment[];
    readonly unattached: readonly UnattachedPod[];
  }>;
  /** Every device of this namespace by name, with its ifindex. */
  devices(): Promise<ReadonlyMap<string, number>>;
  /** UDP ports of tunnels that take packets from whoever sends them. */
  tunnelPorts(): Promise<ReadonlySet<number>>;
}

/** What is said of tunnels that the links do not. */
export interface TunnelOptions extends Pick<Tunnels, 'allowedNamespaces'> {
  /** UDP ports beside those of the links. */
  readonly morePorts: readonly number[];
  /** Addresses of all nodes, now. */
  readonly nodes: () => ReadonlySet<Address>;
}

interface GuardTableOptions extends Pick<GuardOptions, 'audit' | 'mode'> {
  readonly tunnels?: TunnelOptions;
  /** Whether the pod that a link is bound to has an object that is not finished. */
  readonly isLive?: (binding: LinkBinding) => boolean;
}

/** What a convergence reads, although nothing it knows has changed. */
export interface ReadAnew {
  readonly links: boolean;
  readonly table: boolean;
}

interface Guarded {
  /** Of pods with an object, where they were found. */
  readonly attachments: readonly Attachment[];
  readonly unattached: readonly UnattachedPod[];
}

interface Converged extends Guarded {
  /** Every link that is a pod's, with the addresses that it may send from. */
  readonly links: readonly LinkBinding[];
  readonly changed: boolean;
  readonly isForeign: boolean;
}

/**
 * Holds `table netdev podwall` to the links that are pods': one guard per veth, hooked on the device that exists now (a
 * chain survives its device and would hook the next one of that name with the old pod's addresses). A guard stays as long
 * as its link, whatever happens to the pod's object.
 */
export class GuardTable {
  readonly #nftables: Nftables;
  readonly #links: LinkReader;
  readonly #options: GuardTableOptions;
  readonly #bindings: LinkBindings;
  readonly #news: ClusterChange[];
  #hasAdopted = false;
  /** Chain name to the ifindex that it was created on; nft does not list that. */
  #hooked = new Map<string, number>();
  /** What the kernel holds; undefined when that must be listed. */
  #applied: Ruleset | undefined;
  /** By index: what was recorded of a link, and the same with the addresses that it may send from. */
  #bound: ReadonlyMap<number, { readonly of: LinkBinding; readonly link: LinkBinding }> = new Map();
  /** By the pod and its addresses. */
  #attached: ReadonlyMap<string, Attachment> = new Map();

  constructor(
    nftables: Nftables,
    links: LinkReader,
    { bindings = new LinkBindings(), ...options }: GuardTableOptions & { readonly bindings?: LinkBindings } = {},
  ) {
    this.#nftables = nftables;
    this.#links = links;
    this.#bindings = bindings;
    this.#news = [...bindings.changes()];
    this.#options = options;
  }

  /** Takes over what an earlier agent's guards say of links that no record names: it is among the news then. */
  async adopt(): Promise<void> {
    const [guards, live] = await Promise.all([this.#read(false), this.#links.devices()]);
    this.#hasAdopted = true;
    if (guards !== undefined) this.#news.push(...this.#bindings.adopt(guardedLinks(guards), live));
    this.#news.push(...this.#bindings.update([], live));
  }

  /** What is new about whose links are; at first, what an earlier agent recorded. */
  takeNews(): readonly ClusterChange[] {
    return this.#news.splice(0);
  }

  /**
   * @returns the attachments found and the pods without one; `changed` when the kernel was touched, `isForeign` when another
   * process had changed a guard of a device that is still there.
   * Links are also read when a pod has no device yet, and the table whenever links were: a device takes its chain along.
   */
  async converge(
    all: readonly LocalPod[],
    sourceGuardOffNamespaces: ReadonlySet<string> | 'all',
    { links, table }: ReadAnew = { links: true, table: true },
  ): Promise<Converged> {
    const pods = all.filter(({ link }) => link === undefined);
    const last = this.#applied;
    this.#applied = undefined;
    if (!this.#hasAdopted) await this.adopt();
    const known = links ? undefined : this.#known(pods);
    const found = known ?? (await this.#links.discover(pods, this.#bindings.all(), this.#heldBeside(pods)));
    const { attachments } = found;
    this.#attached = new Map(attachments.map((one) => [placeOf(one), one]));
    const liveDevices = await this.#links.devices();
    this.#news.push(...this.#bindings.update(attachments, liveDevices));
    const bound = this.#withAddresses(attachments, all);
    const off =
      sourceGuardOffNamespaces === 'all' ? new Set(bound.map(({ pod }) => pod.namespace)) : sourceGuardOffNamespaces;
    const { audit, mode } = this.#options;
    const desired = renderGuards(bound, {
      sourceGuardOffNamespaces: off,
      isolated: { ingress: isolatedOf(all, bound, 'ingress'), egress: isolatedOf(all, bound, 'egress') },
      tunnels: await this.#tunnels(),
      ...(audit === undefined ? {} : { audit }),
      ...(mode === undefined ? {} : { mode }),
    });
    const isKnown = !table && known !== undefined && last !== undefined;
    const applied = isKnown ? last : await this.#read(table);
    if (applied?.isFlagged === true) await this.#nftables.apply(planUnflag(desired));
    const isForeign = last !== undefined && applied !== last && this.#isChanged(last, applied, liveDevices);
    const transaction = planGuards({ desired, applied, liveDevices, hookedIfindex: this.#hooked });
    if (transaction !== undefined) await this.#nftables.apply(transaction);
    this.#record(desired, liveDevices);
    return { ...found, links: bound, changed: transaction !== undefined, isForeign };
  }

  get bindings(): Pick<LinkBindings, 'all' | 'revision'> {
    return this.#bindings;
  }

  /** Links of live pods that are none of `pods`, as their status has no address. */
  #heldBeside(pods: readonly LocalPod[]): ReadonlySet<number> {
    const { isLive = () => false } = this.#options;
    const asked = new Set(pods.map(podKeyOf));
    const held = this.#bindings.all().filter((one) => !asked.has(podKeyOf(one)) && isLive(one));
    return new Set(held.map(({ ifindex }) => ifindex));
  }

  /**
   * Every link with what it may send from: where a pod was found, all that is its own; elsewhere what nobody else has since
   * its object went. The same object while nothing changes: what is rendered of it is kept.
   */
  #withAddresses(attachments: readonly Attachment[], pods: readonly LocalPod[]): readonly LinkBinding[] {
    const found = new Map(attachments.map((one) => [one.ifindex, one.addresses]));
    const left = new Map(pods.map(({ link, addresses }) => [link, addresses]));
    const bound = this.#bindings.all().map((binding) => {
      const addresses = found.get(binding.ifindex) ?? left.get(binding.ifindex) ?? [];
      const last = this.#bound.get(binding.ifindex);
      if (last?.of === binding && last.link.addresses.join() === addresses.join()) return last;
      const link = binding.addresses.join() === addresses.join() ? binding : { ...binding, addresses };
      return { of: binding, link };
    });
    this.#bound = new Map(bound.map((one) => [one.of.ifindex, one]));
    return bound.map(({ link }) => link);
  }

  async #tunnels(): Promise<Tunnels> {
    const { allowedNamespaces = new Set<string>(), morePorts = [], nodes } = this.#options.tunnels ?? {};
    const ports = new Set([...(await this.#links.tunnelPorts()), ...morePorts]);
    return { ports, nodes: nodes?.() ?? new Set<Address>(), allowedNamespaces };
  }

  /** @param withDevices also those that the chains are hooked on: only another process changes them */
  async #read(withDevices: boolean): Promise<Ruleset | undefined> {
    const held = await this.#nftables.list({ family: 'netdev', table: 'podwall' });
    if (held === undefined || !withDevices) return held;
    const devices = await this.#nftables.hookDevices(held);
    for (const [name, { hook, ...chain }] of held.chains) {
      const device = devices.get(name);
      if (hook !== undefined && device !== undefined) held.chains.set(name, { ...chain, hook: { ...hook, device } });
    }
    return held;
  }

  /** When every pod is where it was found before, with the addresses that it had. */
  #known(pods: readonly LocalPod[]): Guarded | undefined {
    const attachments = pods.map((pod) => this.#attached.get(placeOf(pod)));
    const found = attachments.filter((one) => one !== undefined);
    return found.length === attachments.length ? { attachments: found, unattached: [] } : undefined;
  }

  /** A device that goes takes its chain along: that is no change of another process. */
  #isChanged(last: Ruleset, applied: Ruleset | undefined, live: ReadonlyMap<string, number>): boolean {
    for (const chain of last.chains.values()) {
      const found = applied?.chains.get(chain.name);
      const isThere = live.get(chain.hook?.device ?? '') === this.#hooked.get(chain.name);
      if (isThere && (found === undefined || !sameChain(chain, found))) return true;
    }
    for (const [name, set] of last.sets) {
      const found = applied?.sets.get(name);
      if (found === undefined || !sameKind(found, set) || !sameElements(found, set)) return true;
    }
    if (applied === undefined) return true;
    const { isFlagged, chains, counters, sets, others } = applied;
    return (
      isFlagged === true ||
      (others?.size ?? 0) > 0 ||
      [...sets.keys()].some((name) => !last.sets.has(name)) ||
      counters.size !== last.counters.size ||
      [...last.counters].some((name) => !counters.has(name)) ||
      [...chains.keys()].some((name) => !last.chains.has(name))
    );
  }

  #record(desired: Ruleset, live: ReadonlyMap<string, number>): void {
    const chains = [...desired.chains].filter(([, { hook }]) => hook === undefined || live.has(hook.device ?? ''));
    const hooked = chains.filter(([, { hook }]) => hook !== undefined);
    this.#hooked = new Map(hooked.map(([name, { hook }]) => [name, live.get(hook?.device ?? '') ?? 0]));
    this.#applied = { ...desired, chains: new Map(chains) };
  }
}

const podKeyOf = ({ pod, podUid }: Pick<LocalPod, 'pod' | 'podUid'>): string => `${objectKey(pod)} ${podUid}`;

const placeOf = (pod: LocalPod): string => [podKeyOf(pod), ...pod.addresses].join(' ');

const isolatedOf = (
  pods: readonly LocalPod[],
  links: readonly LinkBinding[],
  direction: 'ingress' | 'egress',
): ReadonlySet<string> => {
  const known = new Set(pods.map(podKeyOf));
  // A link whose pod is none of them is that of a pod without an object.
  const others = links.filter((link) => !known.has(podKeyOf(link)));
  return new Set(
    [...pods.filter((pod) => pod[direction]?.kind !== 'open'), ...others].map(({ pod }) => objectKey(pod)),
  );
};
