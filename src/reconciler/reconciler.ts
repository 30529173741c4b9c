/**
 * The loop of one node:
 *
 *   source --changes--> [pending] --> PolicyLimits --> compiler --> renderer --> PolicyTable --build, switch, sweep--> kernel
 *   nft monitor, periodic read-back --drift--------------------^
 *   link events, endpoint changes ----------------------------> GuardLoop --> kernel
 *
 * One run at a time. A failure keeps the last good rules in force and is retried; only state that is in the kernel is
 * reported as such.
 */
import type { SourceChange } from '../cluster/types.js';
import { changesFrom, type ClusterChange } from '../model/cluster.js';
import type { EnforcedPolicy } from '../model/node-policy-status.js';
import { objectKey } from '../model/pod.js';
import { effectOf } from '../program/effect.js';
import type { ProgramChange } from '../program/types.js';
import { CacheRenewal } from './cache-renewal.js';
import { ClusterView } from './cluster-view.js';
import { endpointStatuses } from './endpoint-status.js';
import { enforcedPolicies } from './enforced-policies.js';
import { changesPods, GuardLoop } from './guard-loop.js';
import type { ReconcilerOptions, ReconcilerParts } from './reconciler-parts.js';
import { LoopProgress } from './loop-progress.js';
import { isRefusal, PolicyTable } from './policy-table.js';
import { quarantined } from './quarantine.js';
import { PolicyLimits } from './policy-limits.js';
import { retryDelay } from './retry-delay.js';
import { LoadPacing } from './load-pacing.js';
import { SingleRunner } from '../generic/single-runner.js';
import { messageOf } from '../generic/message-of.js';
import type { ReconcilerStatus } from './types.js';

/** After this many failures in a row the kernel is read back; after one more, the whole table is replaced. */
const failuresBeforeReadBack = 2;

export class Reconciler implements AsyncDisposable {
  readonly #parts: ReconcilerParts;
  readonly #options: ReconcilerOptions;
  readonly #runner: SingleRunner;
  readonly #cache: CacheRenewal;
  readonly #policyTable: PolicyTable;
  readonly #guards: GuardLoop;
  readonly #view: ClusterView;
  readonly #limits: PolicyLimits;
  readonly #pacing: LoadPacing;
  readonly #subscriptions: Disposable[] = [];
  #pending: ClusterChange[] = [];
  #noticedAt: number | undefined;
  #driftBy: string | undefined;
  #started = false;
  #retry: Disposable | undefined;
  #readBackTimer: Disposable | undefined;
  readonly #progress = new LoopProgress();
  /** Endpoints, rule lists and groups that changed since the last switch. */
  #changed = 0;
  /** Every change that was taken from the cluster is in force. */
  #upToDate = false;
  #quarantineDue = false;
  #onSettled: (() => void) | undefined;
  #onApplied: ((milliseconds: number) => void) | undefined;

  constructor(parts: ReconcilerParts, options: ReconcilerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#cache = new CacheRenewal(parts.clock, () => this.#runner.request());
    this.#policyTable = new PolicyTable(
      parts.nftables,
      this.#cache,
      parts.observer?.beforeRemoval.bind(parts.observer),
    );
    this.#view = new ClusterView(options.mode);
    this.#limits = new PolicyLimits(parts.log, options.limits);
    this.#pacing = new LoadPacing(parts.clock);
    this.#guards = new GuardLoop(parts, {
      ...options,
      pods: () => [...parts.compiler.program().endpoints.values()],
      optedOut: () => this.#view.guardOffNamespaces,
      onSettled: () => this.#onSettled?.(),
    });
    this.#runner = new SingleRunner(
      // Under a stream of changes it waits and takes several together.
      () => this.#pacing.run(() => this.#run()),
      (error) => this.#failed(error),
    );
  }

  /** Takes over what is in the kernel, and follows the cluster from now on. */
  start(): void {
    this.#pending = changesFrom(this.#parts.cluster.snapshot());
    this.#noticedAt = this.#parts.clock.now();
    this.#driftBy = '';
    this.#started = true;
    this.#subscriptions.push(this.#parts.cluster.onChange((change) => this.#noteChange(change)));
    this.#scheduleReadBack();
    this.#runner.request();
  }

  /** Another process may have changed our tables. @param who as the kernel names it */
  drift(who: string): void {
    // Before the start the program is empty: applying it would open what the last agent left closed.
    if (!this.#started) return;
    this.#driftBy = who;
    this.#runner.request();
    this.#guards.request('table');
  }

  /** A link, route or neighbour changed: pods may have other devices now. */
  linksChanged(): void {
    this.#guards.request('links');
  }

  /** Called after every run, also a failed one: `status()` may have changed. */
  onSettled(listener: () => void): void {
    this.#onSettled = listener;
  }

  /** Called when a new state is in force, with the milliseconds since its first change was noticed. */
  onApplied(listener: (milliseconds: number) => void): void {
    this.#onApplied = listener;
  }

  /** When the current run began, by performance.now(); undefined between runs. */
  get busySince(): number | undefined {
    return this.#runner.busySince;
  }

  /** Lets a transaction in flight end; the rules stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const subscription of this.#subscriptions.splice(0)) subscription[Symbol.dispose]();
    this.#retry?.[Symbol.dispose]();
    this.#readBackTimer?.[Symbol.dispose]();
    this.#pacing[Symbol.dispose]();
    this.#cache[Symbol.dispose]();
    await Promise.all([this.#runner.stop(), this.#guards[Symbol.asyncDispose]()]);
  }

  status(): ReconcilerStatus {
    const staleSince = this.#parts.cluster.staleSince();
    const guards = this.#guards.status();
    return {
      ready: this.#progress.inKernel && guards.bridgesReady,
      ...this.#progress.status(),
      failures: this.#progress.failures + guards.failures,
      policies: this.#view.policyCount,
      endpoints: endpointStatuses(this.#parts.compiler.program(), guards.attachments),
      failing: this.#view.failing(),
      overLimits: this.#limits.over(),
      policyMemory: this.#limits.memory,
      mode: this.#options.mode ?? 'enforce',
      dryRun: this.#view.dryRun().map(({ namespace, name }) => ({ namespace, name })),
      unattached: guards.unattached,
      problems: this.#parts.cluster.problems(),
      ...(staleSince === undefined ? {} : { staleSeconds: Math.round((this.#parts.clock.now() - staleSince) / 1000) }),
      warnings: guards.warnings,
    };
  }

  /**
   * The policies that isolate pods of this node, at the generation that is in force; undefined while changes are not yet
   * in the kernel.
   */
  enforced(): readonly EnforcedPolicy[] | undefined {
    if (!this.#upToDate) return undefined;
    return enforcedPolicies(this.#parts.compiler.program(), this.#view.policies(), this.#guards.status().unattached);
  }

  #noteChange(change: SourceChange): void {
    this.#pending.push(...change.changes);
    this.#noticedAt = Math.min(this.#noticedAt ?? Infinity, change.noticedAt);
    this.#runner.request();
  }

  async #run(): Promise<void> {
    if (this.#quarantineDue) await this.#quarantine();
    this.#takeChanges();
    this.#guards.start();
    await this.#readBackIfDrifted();
    await this.#converge();
    await this.#policyTable.renewCache(this.#parts.renderer.ruleset());
    this.#upToDate = true;
    this.#onSettled?.();
  }

  #takeChanges(): void {
    if (this.#pending.length === 0) return;
    const changes = this.#limits.apply(this.#pending);
    this.#pending = [];
    this.#upToDate = false;
    if (this.#view.apply(changes).guardsChanged) this.#guards.request('namespaces');
    this.#noteProgram(changes, this.#parts.compiler.apply(changes));
  }

  #noteProgram(changes: readonly ClusterChange[], change: ProgramChange): void {
    this.#parts.observer?.changesCompiled(changes, change);
    this.#policyTable.note(this.#parts.renderer.apply(change), effectOf(change));
    if (changesPods(change)) this.#guards.request('pods');
    this.#limits.endpointsChanged(change.endpoints);
    this.#changed += change.endpoints.length + change.ruleLists.length + change.groups.length;
  }

  async #readBackIfDrifted(): Promise<void> {
    if (this.#driftBy === undefined) return;
    const who = this.#driftBy;
    this.#driftBy = undefined;
    try {
      const differed = await this.#policyTable.readBack(this.#parts.renderer.ruleset());
      if (differed && this.#progress.inKernel) {
        this.#progress.repaired();
        this.#parts.log.warn({ by: who === '' ? 'unknown' : who }, 'drift');
        this.#noticedAt ??= this.#parts.clock.now();
      }
    } catch (error) {
      this.#driftBy = who;
      throw error;
    }
  }

  async #converge(): Promise<void> {
    const desired = this.#parts.renderer.ruleset();
    const switched = (): void => this.#switched();
    const first = !this.#progress.inKernel;
    if (!this.#policyTable.pending && !first) {
      this.#noticedAt = undefined;
      this.#changed = 0;
      this.#parts.observer?.changesApplied();
      return;
    }
    if (this.#progress.failuresInRow > failuresBeforeReadBack) await this.#policyTable.replace(desired, switched);
    else await this.#policyTable.converge(desired, switched);
    this.#progress.succeeded();
  }

  #switched(): void {
    const now = this.#parts.clock.now();
    const ms = Math.round((now - (this.#noticedAt ?? now)) * 10) / 10;
    const { revision } = this.#parts.compiler.program();
    this.#progress.switched(revision, this.#parts.clock.timestamp());
    this.#parts.log.info({ revision, changed: this.#changed, ms }, 'applied');
    this.#onApplied?.(ms);
    this.#parts.observer?.changesApplied();
    this.#noticedAt = undefined;
    this.#changed = 0;
  }

  #scheduleReadBack(): void {
    this.#readBackTimer = this.#parts.clock.after(this.#options.readBackEvery, () => {
      this.#driftBy ??= 'found by read-back';
      this.#runner.request();
      this.#guards.request('links');
      this.#scheduleReadBack();
    });
  }

  #failed(error: unknown): void {
    this.#upToDate = false;
    this.#progress.failed(messageOf(error));
    const { failuresInRow, lastError } = this.#progress;
    this.#parts.log.error({ error: lastError, attempt: failuresInRow }, 'failed; the last good rules stay');
    if (failuresInRow >= failuresBeforeReadBack) this.#driftBy ??= 'own failure';
    this.#quarantineDue = isRefusal(error) && failuresInRow > failuresBeforeReadBack;
    this.#retry?.[Symbol.dispose]();
    this.#retry = this.#parts.clock.after(retryDelay(failuresInRow - 1), () => this.#runner.request());
    this.#onSettled?.();
  }

  /** The kernel refuses the ruleset again and again because of some policy: finds it, and makes it alone fail closed. */
  async #quarantine(): Promise<void> {
    this.#quarantineDue = false;
    const { cluster, nftables, render, log } = this.#parts;
    const snapshot = { ...cluster.snapshot(), policies: this.#view.policies() };
    const changes = await quarantined({ snapshot, nftables, render, reason: this.#progress.lastError ?? 'refused' });
    for (const change of changes) log.error({ policy: objectKey(change.ref) }, 'policy fails closed');
    this.#pending.unshift(...changes);
  }
}
