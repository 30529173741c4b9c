import { planGuards } from '../nftables/plan/guard-plan.js';
import { renderGuards, type GuardOptions, type Tunnels } from '../nftables/render/guards.js';
import { sameChain, sameElements, sameKind } from '../nftables/language/compare.js';
import { planUnflag } from '../nftables/plan/plan.js';
import type { Nftables } from '../nftables/language/nftables.js';
import type { Attachment } from '../model/attachment.js';
import type { Address } from '../model/address.js';
import { objectKey, type ObjectRef } from '../model/pod.js';
import type { Ruleset } from '../nftables/language/types.js';

export interface LocalPod {
  readonly pod: ObjectRef;
  readonly podUid: string;
  readonly addresses: readonly Address[];
  /** Whether policies isolate it; where that is not said, they do. */
  readonly ingress?: { readonly kind: 'open' | 'isolated' };
  readonly egress?: { readonly kind: 'open' | 'isolated' };
}

export interface UnattachedPod {
  readonly pod: ObjectRef;
  readonly podUid: string;
  readonly reason: string;
}

/** Reads links; kernel/ implements it, and tests run the loop without devices. */
export interface LinkReader {
  discover(pods: readonly LocalPod[]): Promise<{
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
}

/** What a convergence reads, although nothing it knows has changed. */
export interface ReadAnew {
  readonly links: boolean;
  readonly table: boolean;
}

interface Guarded {
  readonly attachments: readonly Attachment[];
  readonly unattached: readonly UnattachedPod[];
}

/**
 * Holds `table netdev podwall` to the pods that are attached here: one guard per veth, hooked on the device that exists
 * now (a chain survives its device and would hook the next one of that name with the old pod's addresses).
 */
export class GuardTable {
  readonly #nftables: Nftables;
  readonly #links: LinkReader;
  readonly #options: GuardTableOptions;
  /** Chain name to the ifindex that it was created on; nft does not list that. */
  #hooked = new Map<string, number>();
  /** What the kernel holds; undefined when that must be listed. */
  #applied: Ruleset | undefined;
  /** By the pod and its addresses. */
  #attached: ReadonlyMap<string, Attachment> = new Map();

  constructor(nftables: Nftables, links: LinkReader, options: GuardTableOptions = {}) {
    this.#nftables = nftables;
    this.#links = links;
    this.#options = options;
  }

  /**
   * @returns the attachments found and the pods without one; `changed` when the kernel was touched, `isForeign` when another
   * process had changed a guard of a device that is still there.
   * Links are also read when a pod has no device yet, and the table whenever links were: a device takes its chain along.
   */
  async converge(
    pods: readonly LocalPod[],
    sourceGuardOffNamespaces: ReadonlySet<string>,
    { links, table }: ReadAnew = { links: true, table: true },
  ): Promise<Guarded & { readonly changed: boolean; readonly isForeign: boolean }> {
    const known = links ? undefined : this.#known(pods);
    const found = known ?? (await this.#links.discover(pods));
    const { attachments } = found;
    this.#attached = new Map(attachments.map((one) => [placeOf(one), one]));
    const { audit, mode } = this.#options;
    const desired = renderGuards(attachments, {
      sourceGuardOffNamespaces,
      isolated: { ingress: isolatedOf(pods, 'ingress'), egress: isolatedOf(pods, 'egress') },
      tunnels: await this.#tunnels(),
      ...(audit === undefined ? {} : { audit }),
      ...(mode === undefined ? {} : { mode }),
    });
    const last = this.#applied;
    const before = table || known === undefined ? undefined : last;
    this.#applied = undefined;
    const applied = before ?? (await this.#read(table));
    if (applied?.isFlagged === true) await this.#nftables.apply(planUnflag(desired));
    const liveDevices = await this.#links.devices();
    const isForeign = last !== undefined && applied !== last && this.#isChanged(last, applied, liveDevices);
    const transaction = planGuards({ desired, applied, liveDevices, hookedIfindex: this.#hooked });
    if (transaction !== undefined) await this.#nftables.apply(transaction);
    this.#record(desired, liveDevices);
    return { ...found, changed: transaction !== undefined, isForeign };
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

const placeOf = ({ pod, podUid, addresses }: LocalPod): string => [objectKey(pod), podUid, ...addresses].join(' ');

const isolatedOf = (pods: readonly LocalPod[], direction: 'ingress' | 'egress'): ReadonlySet<string> =>
  new Set(pods.filter((pod) => pod[direction]?.kind !== 'open').map(({ pod }) => objectKey(pod)));
