/**
 * The loop of the guards. It is separate from the loop of the policies: reading links can take long (a network namespace
 * that is being removed holds the kernel's lock), and a device that vanishes says nothing about the policy table.
 */
import type { Attachment } from '../model/attachment.js';
import { objectKey } from '../model/pod.js';
import type { PolicyMode } from '../model/policy-mode.js';
import type { AuditRules } from '../nftables/render/log-rules.js';
import type { Nftables } from '../nftables/language/nftables.js';
import type { ProgramChange } from '../program/types.js';
import { BridgeWatch, type BridgeNetfilter } from './bridge-watch.js';
import type { Clock } from './clock.js';
import { namespacesOf } from './cluster-view.js';
import {
  GuardTable,
  type LinkReader,
  type LocalPod,
  type ReadAnew,
  type TunnelOptions,
  type UnattachedPod,
} from './guard-table.js';
import { retryDelay } from './retry-delay.js';
import { SingleRunner } from '../generic/single-runner.js';
import { messageOf } from '../generic/message-of.js';
import type { LoopObserver, ReconcilerLog } from './types.js';

interface GuardParts {
  readonly nftables: Nftables;
  readonly links: LinkReader;
  readonly bridgeNetfilter: BridgeNetfilter;
  readonly clock: Clock;
  readonly log: ReconcilerLog;
  readonly observer?: Pick<LoopObserver, 'podsAttached'>;
}

interface GuardOptions {
  readonly sourceGuard: boolean;
  readonly audit?: AuditRules;
  /** `dry-run`: nothing is dropped. */
  readonly mode?: PolicyMode;
  readonly tunnels?: TunnelOptions;
  readonly pods: () => readonly LocalPod[];
  /** Namespaces whose pods may send from addresses that are not theirs. */
  readonly optedOut: () => ReadonlySet<string>;
  readonly onSettled: () => void;
  /** Another process had changed guards, which is mended. */
  readonly onRepair: () => void;
  /** Another process had switched a setting of bridges off, which is on again. */
  readonly onSettingRepair: (setting: string) => void;
}

/**
 * `pods`: a pod of this node came or went, or its addresses did; `links`: a device or route did, or it is time to look;
 * `table`: another process may have changed it; `namespaces`: one opted out of the source guard, or in again; `nodes`: their
 * addresses changed; `isolation`: of pods that are where they were.
 */
type GuardNews = 'pods' | 'links' | 'table' | 'namespaces' | 'nodes' | 'isolation';

interface GuardStatus {
  readonly attachments: readonly Attachment[];
  readonly unattached: readonly UnattachedPod[];
  /** Pods on a bridge whose frames do not reach our rules. */
  readonly unfiltered: readonly UnattachedPod[];
  readonly failures: number;
  /** The links have been read, and bridged frames reach our rules or no pod is bridged. */
  readonly bridgesReady: boolean;
  readonly warnings: readonly string[];
}

/** Policies, labels and namespaces change nothing about where pods are. */
export const changesPods = ({ endpoints }: Pick<ProgramChange, 'endpoints'>): boolean =>
  endpoints.some(({ before, after }) => before === undefined || after === undefined || !isSamePlace(before, after));

/** Whether a pod is isolated now that was not, or the other way round: what goes to many on a bridge depends on it. */
export const changesIsolation = ({ endpoints }: Pick<ProgramChange, 'endpoints'>): boolean =>
  endpoints.some(
    ({ before, after }) => before?.ingress.kind !== after?.ingress.kind || before?.egress.kind !== after?.egress.kind,
  );

const isSamePlace = (a: LocalPod, b: LocalPod): boolean =>
  a.podUid === b.podUid &&
  a.addresses.length === b.addresses.length &&
  a.addresses.every((address, index) => address === b.addresses[index]);

export class GuardLoop implements AsyncDisposable {
  readonly #parts: GuardParts;
  readonly #options: GuardOptions;
  readonly #table: GuardTable;
  readonly #runner: SingleRunner;
  #due: ReadAnew = { links: true, table: true };
  #started = false;
  #settled = false;
  #retry: Disposable | undefined;
  #attempts = 0;
  #failures = 0;
  #attachments: readonly Attachment[] = [];
  #unattached: readonly UnattachedPod[] = [];
  readonly #bridges: BridgeWatch;
  #openProblem: string | undefined;
  #failure: string | undefined;

  constructor(parts: GuardParts, options: GuardOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#table = new GuardTable(parts.nftables, parts.links, options);
    this.#bridges = new BridgeWatch(parts, options);
    this.#runner = new SingleRunner(
      () => this.#run(),
      (error) => this.#failed(error),
    );
  }

  /** The pods are known from now on. Before, guards of an earlier agent must not be removed as guards of no pod. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#runner.request();
  }

  /** Runs again, and reads what the news may have changed: neither links nor the table for pods that are where they were. */
  request(news: GuardNews): void {
    if (!this.#started) return;
    if (news === 'isolation' && this.#bridged.length === 0) return;
    // Pods without a device are searched again soon.
    if (news === 'pods' || news === 'links') this.#attempts = 0;
    this.#due = { links: this.#due.links || news === 'links', table: this.#due.table || news === 'table' };
    this.#runner.request();
  }

  status(): GuardStatus {
    const { problem } = this.#bridges;
    return {
      attachments: this.#attachments,
      unattached: this.#unattached,
      unfiltered:
        problem === undefined ? [] : this.#bridged.map(({ pod, podUid }) => ({ pod, podUid, reason: problem })),
      failures: this.#failures,
      bridgesReady: this.#settled && problem === undefined,
      warnings: [problem, this.#openProblem, this.#failure].filter((text) => text !== undefined),
    };
  }

  /** Lets a transaction in flight end; the guards stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#retry?.[Symbol.dispose]();
    this.#bridges[Symbol.dispose]();
    await this.#runner.stop();
    this.#retry?.[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    const pods = this.#options.pods();
    const off = this.#options.sourceGuard ? this.#options.optedOut() : namespacesOf(pods);
    const due = this.#due;
    this.#due = { links: false, table: false };
    const found = await this.#table.converge(pods, off, due);
    if (found.isForeign) this.#options.onRepair();
    this.#noteUnattached(found.unattached);
    this.#attachments = found.attachments;
    this.#parts.observer?.podsAttached(found.attachments);
    this.#failure = undefined;
    this.#warnOfOpenGuards(off);
    await this.#bridges.follow(this.#bridged.length > 0);
    if (this.#unattached.length > 0) this.#retryLater();
    this.#noteSettled();
  }

  #failed(error: unknown): void {
    const message = messageOf(error);
    this.#due = { links: true, table: true };
    this.#failures += 1;
    this.#failure = `source guards are not up to date: ${message}`;
    this.#parts.log.warn({ error: message }, 'cannot update the source guards; retrying');
    this.#retryLater();
    this.#noteSettled();
  }

  #noteSettled(): void {
    this.#settled = true;
    this.#options.onSettled();
  }

  #noteUnattached(unattached: readonly UnattachedPod[]): void {
    const known = new Set(this.#unattached.map((entry) => objectKey(entry.pod) + entry.reason));
    for (const { pod, reason } of unattached)
      if (!known.has(objectKey(pod) + reason)) this.#parts.log.warn({ pod: objectKey(pod), reason }, 'not enforced');
    this.#unattached = unattached;
  }

  /** Opting out on a bridge allows more than spoofing: frames that no rule can read pass as well. */
  #warnOfOpenGuards(off: ReadonlySet<string>): void {
    const open = this.#bridged.filter((one) => off.has(one.pod.namespace));
    const problem =
      open.length === 0
        ? undefined
        : `source guard is off for ${open.length} pods on a bridge: tagged frames and forged sources pass their policies`;
    if (problem !== undefined && problem !== this.#openProblem) this.#parts.log.warn({}, problem);
    this.#openProblem = problem;
  }

  get #bridged(): readonly Attachment[] {
    return this.#attachments.filter(({ kind }) => kind === 'bridged');
  }

  /** A pod's device or neighbour entry may appear seconds after its address, without an event. */
  #retryLater(): void {
    this.#retry?.[Symbol.dispose]();
    this.#retry = this.#parts.clock.after(retryDelay(this.#attempts), () => {
      this.#due = { ...this.#due, links: true };
      this.#runner.request();
    });
    this.#attempts += 1;
  }
}
