/**
 * The loop of one node:
 *
 *   source --changes--> TurnLoop --> PolicyLimits --> compiler --> renderer --> PolicyTable --build, switch, sweep--> kernel
 *   commits of others, now and then --> TableReader (beside all this) --drift------^
 *   link events, endpoint changes ----------------------------> GuardLoop --> kernel
 *
 * One run at a time, each a round of turns. A failure keeps the last good rules in force and is retried; only state that is
 * in the kernel is reported as such.
 */
import type { SourceChange } from '../cluster/types.js';
import { changesFrom, type ClusterChange } from '../model/cluster.js';
import type { EnforcedPolicy } from '../model/node-policy-status.js';
import { objectKey } from '../model/pod.js';
import { policyKey } from '../model/policy.js';
import { isDirty, noneDirty } from '../nftables/render/dirty.js';
import { effectOf } from '../program/effect.js';
import { CacheRenewal } from './cache-renewal.js';
import { ClusterView } from './cluster-view.js';
import { endpointStatuses } from './endpoint-status.js';
import { EnforcedPolicies } from './enforced-policies.js';
import { changesIsolation, changesPods, GuardLoop } from './guard-loop.js';
import type { LoopTurn } from './loop-turn.js';
import type { ReconcilerOptions, ReconcilerParts } from './reconciler-parts.js';
import { LoopProgress } from './loop-progress.js';
import { PolicyLimits } from './policy-limits.js';
import { PolicyTable } from './policy-table.js';
import { quarantined } from './quarantine.js';
import { Recovery } from './recovery.js';
import { retryDelay } from './retry-delay.js';
import { TableReader } from './table-reader.js';
import { TurnLoop, type Compiled } from './turn-loop.js';
import { SingleRunner } from '../generic/single-runner.js';
import { messageOf } from '../generic/message-of.js';
import type { ReconcilerStatus } from './types.js';

/** After this many failures in a row the kernel is read back. */
const failuresBeforeReadBack = 2;
/**
 * Milliseconds that changes wait for a reading where it is not known what the kernel holds: then the whole table is
 * replaced. At the start it holds what the last agent left, with what packets have added, and a reading of much takes long.
 */
const readsWithin = { start: 10_000, later: 3_000 };

export class Reconciler implements AsyncDisposable {
  readonly #parts: ReconcilerParts;
  readonly #options: ReconcilerOptions;
  readonly #runner: SingleRunner;
  readonly #cache: CacheRenewal;
  readonly #policyTable: PolicyTable;
  readonly #reader: TableReader;
  readonly #recovery: Recovery;
  readonly #turns: TurnLoop;
  readonly #guards: GuardLoop;
  readonly #view: ClusterView;
  readonly #limits: PolicyLimits;
  readonly #enforced = new EnforcedPolicies();
  readonly #progress = new LoopProgress();
  readonly #subscriptions: Disposable[] = [];
  #guardsDriftBy = '';
  /** Another process may have added to the verdict cache, whose elements are not compared: packets add them as well. */
  #isCacheSuspect = false;
  #started = false;
  #wake: Disposable | undefined;
  #readBackTimer: Disposable | undefined;
  #onSettled: (() => void) | undefined;
  #onApplied: ((milliseconds: number) => void) | undefined;

  constructor(parts: ReconcilerParts, options: ReconcilerOptions) {
    this.#parts = parts;
    this.#options = options;
    const { nftables, clock, renderer, observer } = parts;
    this.#cache = new CacheRenewal(clock, () => this.#runner.request());
    this.#policyTable = new PolicyTable({
      nftables,
      clock,
      cache: this.#cache,
      desired: renderer.ruleset(),
      observer,
    });
    const { log } = parts;
    this.#recovery = new Recovery({
      ...parts,
      reopen: (policies) => {
        this.#addChanges(policies, clock.now());
        this.#runner.request();
      },
      onWorks: () => this.#retryNow(),
    });
    this.#reader = new TableReader({
      table: this.#policyTable,
      clock,
      log,
      onFailure: (error) => this.#recovery.failed(error),
      onEnd: () => this.#runner.request(),
    });
    this.#turns = new TurnLoop({
      clock,
      table: this.#policyTable,
      compile: (changes) => this.#compile(changes),
      quarantine: (turn) => this.#quarantine(turn),
      onInForce: (slices) => observer?.changesApplied(slices),
      onSwitched: (turn) => this.#switched(turn),
      onRepaired: () => this.#noteRepair('own failure', { table: 'inet podwall' }),
      onFailure: (error, attempt) => this.#noteFailure(error, attempt),
    });
    this.#view = new ClusterView(options.mode);
    this.#limits = new PolicyLimits(parts.log, options.limits);
    this.#guards = new GuardLoop(parts, {
      ...options,
      pods: () => [...parts.compiler.program().endpoints.values()],
      tunnels: {
        allowedNamespaces: new Set(),
        morePorts: [],
        ...options.tunnels,
        nodes: () => parts.compiler.everyNode.all(),
      },
      optedOut: () => this.#view.guardOffNamespaces,
      onSettled: () => this.#onSettled?.(),
      onRepair: () => this.#noteRepair(this.#guardsDriftBy, { table: 'netdev podwall' }),
      onSettingRepair: (setting) => this.#noteRepair('', { setting }),
    });
    this.#runner = new SingleRunner(
      () => this.#run(),
      (error) => this.#failed(error),
    );
  }

  /** Takes over what is in the kernel, and follows the cluster from now on. */
  start(): void {
    const { cluster, clock } = this.#parts;
    this.#turns.queues.add(changesFrom(cluster.snapshot()), clock.now());
    this.#started = true;
    this.#subscriptions.push(cluster.onChange((change) => this.#noteChange(change)));
    this.#scheduleReadBack();
    this.#runner.request();
  }

  /** Another process may have changed our tables. @param who as the kernel names it */
  drift(who: string): void {
    // Before the start the program is empty: applying it would open what the last agent left closed.
    if (!this.#started) return;
    this.#guardsDriftBy = who;
    this.#isCacheSuspect = true;
    this.#reader.request(who);
    this.#retryNow();
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
    this.#wake?.[Symbol.dispose]();
    this.#readBackTimer?.[Symbol.dispose]();
    this.#turns.stop();
    this.#reader[Symbol.dispose]();
    this.#recovery[Symbol.dispose]();
    this.#cache[Symbol.dispose]();
    await Promise.all([this.#runner.stop(), this.#guards[Symbol.asyncDispose]()]);
    this.#wake?.[Symbol.dispose]();
  }

  status(): ReconcilerStatus {
    const staleSince = this.#parts.cluster.staleSince();
    const guards = this.#guards.status();
    return {
      ready: this.#progress.inKernel && guards.bridgesReady && this.#recovery.suspects.length === 0,
      ...this.#progress.status(),
      failures: this.#progress.failures + guards.failures + this.#reader.failures,
      policies: this.#view.policyCount,
      waiting: this.#turns.waiting,
      endpoints: endpointStatuses(this.#parts.compiler.program(), guards.attachments),
      failing: this.#view.failing(),
      overLimits: this.#limits.over(),
      policyMemory: this.#limits.memory,
      mode: this.#options.mode ?? 'enforce',
      dryRun: this.#view.dryRun().map(({ namespace, name }) => ({ namespace, name })),
      unattached: guards.unattached,
      unfiltered: guards.unfiltered,
      problems: this.#parts.cluster.problems(),
      ...(staleSince === undefined ? {} : { staleSeconds: Math.round((this.#parts.clock.now() - staleSince) / 1000) }),
      warnings: [...guards.warnings, ...this.#warnings()],
    };
  }

  /**
   * The policies that isolate pods of this node, at the generation that is in force: of a namespace whose changes are not
   * all in the kernel, as they were when this was last called. Undefined before the first state is in force.
   */
  enforced(): readonly EnforcedPolicy[] | undefined {
    if (!this.#progress.inKernel) return undefined;
    const guards = this.#guards.status();
    return this.#enforced.update({
      program: this.#parts.compiler.program(),
      policies: this.#view.policies(),
      unattached: [...guards.unattached, ...guards.unfiltered],
      isPending: (namespace) => this.#turns.queues.isPending(namespace),
    });
  }

  #noteChange(change: SourceChange): void {
    for (const one of change.changes) if (one.kind === 'policy') this.#recovery.changed(one.ref);
    this.#addChanges(change.changes, change.noticedAt);
    this.#runner.request();
  }

  #addChanges(changes: readonly ClusterChange[], noticedAt: number): void {
    for (const namespace of this.#turns.queues.add(changes, noticedAt))
      this.#parts.log.warn({ namespace }, 'objects change faster than they can be enforced; only their last state is');
  }

  async #run(): Promise<void> {
    if (!this.#turns.hasBegun) await this.#turns.compileFirst();
    this.#guards.start();
    const isBlind = await this.#knowTheKernel();
    if (!isBlind) {
      await this.#turns.run();
      await this.#turns.renewCache();
    }
    if (!this.#turns.isFailing && !this.#policyTable.isUnknown) this.#progress.succeeded();
    this.#onSettled?.();
    if (this.#policyTable.isUnknown) this.#reader.request('own failure');
    this.#runAgain(isBlind || this.#policyTable.isUnknown ? this.#blindFor : this.#turns.pause);
  }

  /** Takes what was read. @returns whether nothing can be planned yet, since it is not known what the kernel holds */
  async #knowTheKernel(): Promise<boolean> {
    const [reader, table] = [this.#reader, this.#policyTable];
    const found = reader.take();
    if (found !== undefined) {
      if (!this.#turns.hasBegun) this.#turns.beginFirst(found.dirty);
      else if (isDirty(found.dirty)) this.#turns.repair(found.dirty);
      if (found.isForeign) this.#noteRepair(found.why, { table: 'inet podwall' });
      if (this.#isCacheSuspect) this.#cache.suspect();
      this.#isCacheSuspect = false;
    }
    // Before all that takes its time: no rule holds meanwhile.
    if (table.isFlagged) await table.unflag();
    if (this.#turns.hasBegun && !table.isUnknown) return false;
    if (reader.waitingFor === undefined) reader.request(this.#turns.hasBegun ? 'own failure' : '');
    if (this.#blindFor > 0) return true;
    this.#parts.log.warn({ error: reader.lastError }, 'the rules cannot be read back: all are replaced');
    if (!this.#turns.hasBegun) this.#turns.beginFirst(noneDirty());
    await this.#turns.replace();
    reader.forget();
    return false;
  }

  /** Milliseconds until changes wait no longer for a reading. */
  get #blindFor(): number {
    const { start, later } = readsWithin;
    const most = this.#turns.hasBegun ? later : start;
    return Math.max(0, most - (this.#reader.waitingFor ?? 0));
  }

  #runAgain(pause: number | undefined): void {
    this.#wake?.[Symbol.dispose]();
    if (pause === 0) this.#runner.request();
    else if (pause !== undefined) this.#wake = this.#parts.clock.after(pause, () => this.#runner.request());
  }

  #compile(taken: readonly ClusterChange[]): Compiled {
    const changes = this.#limits.apply(taken);
    const { compiler, renderer, observer } = this.#parts;
    if (this.#view.apply(changes).guardsChanged) this.#guards.request('namespaces');
    const moved = this.#policyTable.hasOutgoingSets ? changes.flatMap((change) => compiler.addressesOf(change)) : [];
    const nodesBefore = compiler.everyNode.version;
    const program = compiler.apply(changes);
    observer?.changesCompiled(changes, program);
    if (changesPods(program)) this.#guards.request('pods');
    else if (changesIsolation(program)) this.#guards.request('isolation');
    if (compiler.everyNode.version !== nodesBefore) this.#guards.request('nodes');
    this.#limits.endpointsChanged(program.endpoints);
    const namespaces = new Set(program.endpoints.map(({ key }) => namespaceOf(key)));
    return { changes, program, namespaces, moved, dirty: renderer.apply(program), effect: effectOf(program) };
  }

  #noteRepair(who: string, what: Readonly<Record<string, string>>): void {
    if (!this.#progress.inKernel) return;
    this.#progress.repaired();
    this.#parts.log.warn({ by: who === '' ? 'unknown' : who, ...what }, 'drift');
  }

  #switched(turn: LoopTurn): void {
    const { clock, log } = this.#parts;
    const ms = Math.round((clock.now() - turn.noticedAt) * 10) / 10;
    const revision = this.#progress.switched(clock.timestamp());
    const { waiting } = this.#turns;
    log.info({ revision, changed: turn.changed, ms, ...(waiting === 0 ? {} : { waiting }) }, 'applied');
    this.#onApplied?.(ms);
  }

  #scheduleReadBack(): void {
    this.#readBackTimer = this.#parts.clock.after(this.#options.readBackEvery, () => {
      if (this.#options.hearsCommits?.() !== true) {
        this.#reader.request('found by read-back');
        this.#guards.request('table');
      }
      this.#guards.request('links');
      this.#scheduleReadBack();
    });
  }

  /** Of a run as a whole. */
  #failed(error: unknown): void {
    this.#noteFailure(error, this.#progress.failuresInRow + 1);
    this.#onSettled?.();
    this.#runAgain(retryDelay(this.#progress.failuresInRow - 1));
  }

  #warnings(): readonly string[] {
    const { lastError } = this.#reader;
    const suspects = this.#recovery.suspects.map(objectKey);
    return [
      ...(lastError === undefined ? [] : [`the rules cannot be read back: ${lastError}`]),
      ...(suspects.length === 0
        ? []
        : [`fail closed since nft failed, and are tried again each second: ${suspects.join(', ')}`]),
    ];
  }

  /** nft works again, or the kernel has changed: nothing waits any longer. */
  #retryNow(): void {
    this.#turns.retryNow();
    this.#reader.retryNow();
    this.#recovery.offerNow();
    this.#runner.request();
    this.#guards.request('table');
  }

  #noteFailure(error: unknown, attempt: number): void {
    this.#recovery.failed(error);
    this.#progress.failed(messageOf(error));
    this.#parts.log.error({ error: messageOf(error), attempt }, 'failed; the last good rules stay');
    if (attempt >= failuresBeforeReadBack) this.#reader.request('own failure');
  }

  /** The kernel refuses a turn again and again because of some policy: finds it, and makes it alone fail closed. */
  async #quarantine(turn: LoopTurn): Promise<readonly ClusterChange[]> {
    const { cluster, nftables, render, log } = this.#parts;
    const suspects = new Set(turn.policies.map(policyKey));
    const snapshot = { ...cluster.snapshot(), policies: this.#view.policies() };
    const reason = messageOf(turn.lastError);
    const changes = await quarantined({ snapshot, suspects, nftables, render, reason });
    for (const change of changes) log.error({ policy: objectKey(change.ref) }, 'policy fails closed');
    this.#recovery.closed(changes.map(({ ref }) => ref));
    return changes;
  }
}

const namespaceOf = (podKey: string): string => podKey.slice(0, podKey.indexOf('/'));
