/**
 * The loop of one node:
 *
 *   source --changes--> [pending] --> compiler --> renderer --> PolicyTable --build, switch, sweep--> kernel
 *   nft monitor, periodic read-back --drift--------------------^
 *   link events, endpoint changes ----------------------------> GuardTable --> kernel
 *
 * One run at a time. A failure keeps the last good rules in force and is retried; only state that is in the kernel is
 * reported as such.
 */
import type { Compiler } from '../compiler/compiler.js';
import type { SourceChange, SyncedCluster } from '../cluster/types.js';
import { changesFrom, type ClusterChange, type ClusterSnapshot } from '../model/cluster.js';
import type { Attachment } from '../model/attachment.js';
import { objectKey } from '../model/pod.js';
import type { Renderer } from '../nftables/renderer.js';
import type { Nftables, Ruleset } from '../nftables/types.js';
import { effectOf } from '../program/effect.js';
import type { ProgramChange } from '../program/types.js';
import type { Clock } from './clock.js';
import { ClusterView, namespacesOf } from './cluster-view.js';
import { GuardTable, type LinkReader, type LocalPod, type UnattachedPod } from './guard-table.js';
import { isRefusal, PolicyTable } from './policy-table.js';
import { quarantined } from './quarantine.js';
import { SingleRunner } from './single-runner.js';
import { isolationStatus, type EndpointStatus, type ReconcilerLog, type ReconcilerStatus } from './types.js';

export interface ReconcilerParts {
  readonly cluster: SyncedCluster;
  readonly compiler: Compiler;
  readonly renderer: Renderer;
  /** The whole ruleset of a cluster from scratch, to try what the kernel refuses. */
  readonly render: (snapshot: ClusterSnapshot) => Ruleset;
  readonly nftables: Nftables;
  readonly links: LinkReader;
  /** Sees to it that bridged pods' frames reach our table; a message when they do not. */
  readonly bridgeNetfilter: () => Promise<string | undefined>;
  readonly clock: Clock;
  readonly log: ReconcilerLog;
}

export interface ReconcilerOptions {
  readonly sourceGuard: boolean;
  /** How often everything is read back even when nothing told of a change, in milliseconds. */
  readonly readBackEvery: number;
}

const firstRetry = 100;
const longestRetry = 10_000;
/** After this many failures in a row the kernel is read back; after one more, the whole table is replaced. */
const failuresBeforeReadBack = 2;

export class Reconciler implements AsyncDisposable {
  readonly #parts: ReconcilerParts;
  readonly #options: ReconcilerOptions;
  readonly #runner: SingleRunner;
  readonly #policyTable: PolicyTable;
  readonly #guardTable: GuardTable;
  readonly #view: ClusterView;
  readonly #subscriptions: Disposable[] = [];
  #pending: ClusterChange[] = [];
  #noticedAt: number | undefined;
  #driftBy: string | undefined;
  #guardsDue = true;
  #retry: Disposable | undefined;
  #guardRetry: Disposable | undefined;
  #guardAttempts = 0;
  #readBackTimer: Disposable | undefined;
  #failuresInRow = 0;
  #failures = 0;
  #repairs = 0;
  #revision = 0;
  #changed = 0;
  #inKernel = false;
  #quarantineDue = false;
  #bridgeProblem: string | undefined;
  #guardProblem: string | undefined;
  #guardFailure: string | undefined;
  #lastError: string | undefined;
  #lastApplied: number | undefined;
  #attachments: readonly Attachment[] = [];
  #unattached: readonly UnattachedPod[] = [];
  #onSettled: (() => void) | undefined;

  constructor(parts: ReconcilerParts, options: ReconcilerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#policyTable = new PolicyTable(parts.nftables);
    this.#guardTable = new GuardTable(parts.nftables, parts.links);
    this.#view = new ClusterView();
    this.#runner = new SingleRunner(
      () => this.#run(),
      (error) => this.#failed(error),
    );
  }

  /** Takes over whatever is in the kernel and follows the cluster from here on. */
  start(): void {
    this.#pending = changesFrom(this.#parts.cluster.snapshot());
    this.#noticedAt = this.#parts.clock.now();
    this.#driftBy = '';
    this.#subscriptions.push(this.#parts.cluster.onChange((change) => this.#noteChange(change)));
    this.#scheduleReadBack();
    this.#runner.request();
  }

  /** Someone else may have touched our tables; `who` as the kernel tells it. */
  drift(who: string): void {
    this.#driftBy = who;
    this.#guardsDue = true;
    this.#runner.request();
  }

  /** A link, route or neighbour changed: pods may hang elsewhere now. */
  linksChanged(): void {
    this.#guardsDue = true;
    this.#guardAttempts = 0;
    this.#runner.request();
  }

  /** Called after every run that ended, well or not: `status()` may have changed. */
  onSettled(listener: () => void): void {
    this.#onSettled = listener;
  }

  /** Lets a transaction in flight end; the rules stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]();
    this.#retry?.[Symbol.dispose]();
    this.#guardRetry?.[Symbol.dispose]();
    this.#readBackTimer?.[Symbol.dispose]();
    await this.#runner.stop();
  }

  status(): ReconcilerStatus {
    const program = this.#parts.compiler.program();
    const staleSince = this.#parts.cluster.staleSince();
    const devices = new Map(this.#attachments.map((attachment) => [objectKey(attachment.pod), attachment.device]));
    const endpoints = [...program.endpoints.values()].map((endpoint): EndpointStatus => {
      const device = devices.get(objectKey(endpoint.pod));
      return {
        ...endpoint.pod,
        addresses: endpoint.addresses,
        ingress: isolationStatus(endpoint.ingress),
        egress: isolationStatus(endpoint.egress),
        ...(device === undefined ? {} : { device }),
      };
    });
    return {
      ready: this.#inKernel && this.#bridgeProblem === undefined,
      revision: this.#revision,
      repairs: this.#repairs,
      failures: this.#failures,
      policies: this.#view.policyCount,
      ...(this.#lastApplied === undefined ? {} : { lastApplied: this.#lastApplied }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      endpoints: endpoints.sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1)),
      failing: this.#view.failing(),
      unattached: this.#unattached,
      problems: this.#parts.cluster.problems(),
      ...(staleSince === undefined ? {} : { staleSeconds: Math.round((this.#parts.clock.now() - staleSince) / 1000) }),
      warnings: [this.#bridgeProblem, this.#guardProblem, this.#guardFailure].filter((text) => text !== undefined),
    };
  }

  #noteChange(change: SourceChange): void {
    this.#pending.push(...change.changes);
    this.#noticedAt = Math.min(this.#noticedAt ?? Infinity, change.noticedAt);
    this.#runner.request();
  }

  async #run(): Promise<void> {
    if (this.#quarantineDue) await this.#quarantine();
    this.#takeChanges();
    await this.#readBackIfDrifted();
    await this.#converge();
    await this.#guard();
    this.#onSettled?.();
  }

  #takeChanges(): void {
    if (this.#pending.length === 0) return;
    const changes = this.#pending;
    this.#pending = [];
    this.#view.apply(changes);
    this.#noteProgram(this.#parts.compiler.apply(changes));
  }

  #noteProgram(change: ProgramChange): void {
    this.#policyTable.note(this.#parts.renderer.apply(change), effectOf(change));
    if (change.endpoints.length > 0) {
      this.#guardsDue = true;
      this.#guardAttempts = 0;
    }
    this.#changed += change.endpoints.length + change.ruleLists.length + change.groups.length;
  }

  async #readBackIfDrifted(): Promise<void> {
    if (this.#driftBy === undefined) return;
    const who = this.#driftBy;
    this.#driftBy = undefined;
    try {
      const differed = await this.#policyTable.readBack(this.#parts.renderer.ruleset());
      if (differed && this.#inKernel) {
        this.#repairs += 1;
        this.#parts.log.warn({ by: who === '' ? 'unknown' : who }, 'drift');
        this.#noticedAt ??= this.#parts.clock.now();
      }
    } catch (error) {
      this.#driftBy = who;
      throw error;
    }
  }

  async #converge(): Promise<void> {
    const wanted = this.#parts.renderer.ruleset();
    const switched = (): void => this.#switched();
    const first = !this.#inKernel;
    if (!this.#policyTable.pending && !first) {
      this.#noticedAt = undefined;
      this.#changed = 0;
      return;
    }
    if (this.#failuresInRow > failuresBeforeReadBack) await this.#policyTable.replace(wanted, switched);
    else await this.#policyTable.converge(wanted, switched);
    this.#failuresInRow = 0;
    this.#lastError = undefined;
  }

  #switched(): void {
    const now = this.#parts.clock.now();
    const ms = Math.round((now - (this.#noticedAt ?? now)) * 10) / 10;
    this.#inKernel = true;
    this.#revision = this.#parts.compiler.program().revision;
    this.#lastApplied = performance.timeOrigin + performance.now();
    this.#parts.log.info({ revision: this.#revision, changed: this.#changed, ms }, 'applied');
    this.#noticedAt = undefined;
    this.#changed = 0;
  }

  /** Guards stand apart from policies: a device that vanishes under them is no reason to doubt the policy table. */
  async #guard(): Promise<void> {
    if (!this.#guardsDue) return;
    this.#guardsDue = false;
    const pods: LocalPod[] = [...this.#parts.compiler.program().endpoints.values()];
    const off = this.#options.sourceGuard ? this.#view.guardOffNamespaces : namespacesOf(pods);
    try {
      const found = await this.#guardTable.converge(pods, off);
      this.#noteUnattached(found.unattached);
      this.#attachments = found.attachments;
      this.#guardFailure = undefined;
      this.#warnOfOpenGuards(off);
      await this.#checkBridges();
    } catch (error) {
      this.#failures += 1;
      this.#guardFailure = `source guards are not up to date: ${messageOf(error)}`;
      this.#parts.log.warn({ error: messageOf(error) }, 'guards failed; trying again');
    }
    if (this.#guardFailure !== undefined || this.#unattached.length > 0) this.#retryGuards();
  }

  #noteUnattached(unattached: readonly UnattachedPod[]): void {
    const known = new Set(this.#unattached.map((entry) => objectKey(entry.pod) + entry.reason));
    for (const { pod, reason } of unattached)
      if (!known.has(objectKey(pod) + reason)) this.#parts.log.warn({ pod: objectKey(pod), reason }, 'not enforced');
    this.#unattached = unattached;
  }

  /** Opting out on a bridge opens more than spoofing: frames that no rule can read pass too. */
  #warnOfOpenGuards(off: ReadonlySet<string>): void {
    const open = this.#attachments.filter((one) => one.kind === 'bridged' && off.has(one.pod.namespace));
    const problem =
      open.length === 0
        ? undefined
        : `source guard is off for ${open.length} pods on a bridge: tagged frames and forged sources pass their policies`;
    if (problem !== undefined && problem !== this.#guardProblem) this.#parts.log.warn({}, problem);
    this.#guardProblem = problem;
  }

  async #checkBridges(): Promise<void> {
    if (!this.#attachments.some((attachment) => attachment.kind === 'bridged')) {
      this.#bridgeProblem = undefined;
      return;
    }
    const problem = await this.#parts.bridgeNetfilter();
    if (problem !== undefined && problem !== this.#bridgeProblem) this.#parts.log.error({}, problem);
    this.#bridgeProblem = problem;
  }

  /** A pod's device or neighbour entry may come seconds after its address, and no event may tell. */
  #retryGuards(): void {
    this.#guardRetry?.[Symbol.dispose]();
    const delay = Math.min(firstRetry * 2 ** this.#guardAttempts, longestRetry);
    this.#guardAttempts += 1;
    this.#guardRetry = this.#parts.clock.after(delay, () => {
      this.#guardsDue = true;
      this.#runner.request();
    });
  }

  #scheduleReadBack(): void {
    this.#readBackTimer = this.#parts.clock.after(this.#options.readBackEvery, () => {
      this.#driftBy ??= 'found by read-back';
      this.#guardsDue = true;
      this.#runner.request();
      this.#scheduleReadBack();
    });
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    this.#failuresInRow += 1;
    this.#guardsDue = true;
    this.#lastError = messageOf(error);
    this.#parts.log.error({ error: this.#lastError, attempt: this.#failuresInRow }, 'failed; the last good rules stay');
    if (this.#failuresInRow >= failuresBeforeReadBack) this.#driftBy ??= 'own failure';
    this.#quarantineDue = isRefusal(error) && this.#failuresInRow > failuresBeforeReadBack;
    const delay = Math.min(firstRetry * 2 ** (this.#failuresInRow - 1), longestRetry);
    this.#retry?.[Symbol.dispose]();
    this.#retry = this.#parts.clock.after(delay, () => this.#runner.request());
    this.#onSettled?.();
  }

  /** A refusal that repeats is some policy's: find it, and let it alone fail closed. */
  async #quarantine(): Promise<void> {
    this.#quarantineDue = false;
    const { cluster, nftables, render, log } = this.#parts;
    const snapshot = { ...cluster.snapshot(), policies: this.#view.policies() };
    const changes = await quarantined({ snapshot, nftables, render, reason: this.#lastError ?? 'refused' });
    for (const change of changes) log.error({ policy: objectKey(change.ref) }, 'policy fails closed');
    this.#pending.unshift(...changes);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
