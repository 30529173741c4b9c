import { planGuards } from '../nftables/plan/guard-plan.js';
import { renderGuards, type GuardOptions } from '../nftables/render/guards.js';
import type { Nftables } from '../nftables/language/nftables.js';
import type { Attachment } from '../model/attachment.js';
import type { Address } from '../model/address.js';
import type { ObjectRef } from '../model/pod.js';

export interface LocalPod {
  readonly pod: ObjectRef;
  readonly podUid: string;
  readonly addresses: readonly Address[];
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
}

type GuardTableOptions = Pick<GuardOptions, 'audit' | 'mode'>;

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

  constructor(nftables: Nftables, links: LinkReader, options: GuardTableOptions = {}) {
    this.#nftables = nftables;
    this.#links = links;
    const { audit, mode } = options;
    this.#options = { ...(audit === undefined ? {} : { audit }), ...(mode === undefined ? {} : { mode }) };
  }

  /** @returns the attachments found and the pods without one; `changed` when the kernel was touched. */
  async converge(
    pods: readonly LocalPod[],
    sourceGuardOffNamespaces: ReadonlySet<string>,
  ): Promise<{ attachments: readonly Attachment[]; unattached: readonly UnattachedPod[]; changed: boolean }> {
    const { attachments, unattached } = await this.#links.discover(pods);
    const desired = renderGuards(attachments, { sourceGuardOffNamespaces, ...this.#options });
    const applied = await this.#nftables.list('netdev', 'podwall');
    const liveDevices = await this.#links.devices();
    const transaction = planGuards({ desired, applied, liveDevices, hookedIfindex: this.#hooked });
    if (transaction !== undefined) await this.#nftables.apply(transaction);
    this.#record(desired.chains, liveDevices);
    return { attachments, unattached, changed: transaction !== undefined };
  }

  #record(
    chains: ReadonlyMap<string, { readonly hook?: { readonly device?: string } }>,
    live: ReadonlyMap<string, number>,
  ) {
    this.#hooked = new Map();
    for (const [name, chain] of chains) {
      const ifindex = live.get(chain.hook?.device ?? '');
      if (ifindex !== undefined) this.#hooked.set(name, ifindex);
    }
  }
}
