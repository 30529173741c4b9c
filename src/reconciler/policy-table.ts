import { buildSteps } from '../nftables/plan/build.js';
import { weightOfObject, weightOfRule, weightOfTitled, type Step } from '../nftables/plan/batch.js';
import { carryOver } from '../nftables/plan/carry-over.js';
import { isInForce, needsReplacement } from '../nftables/plan/difference.js';
import { findDrift, staleCachesIn } from '../nftables/plan/drift.js';
import { InBuild } from '../nftables/plan/in-build.js';
import { planReplacement, planSwitch, planUnflag } from '../nftables/plan/plan.js';
import type { PlanInput } from '../nftables/plan/plan-input.js';
import { sweepSteps, undesiredOf } from '../nftables/plan/sweep.js';
import { TurnContent } from '../nftables/plan/turn-content.js';
import { DirtyCollector, isDirty, type Dirty } from '../nftables/render/dirty.js';
import { emptyRuleset, overwrite, type MutableRuleset } from '../nftables/language/mutable-ruleset.js';
import { deletedCounters, type Transaction } from '../nftables/language/command.js';
import { isRefusal, NftError, type Nftables } from '../nftables/language/nftables.js';
import type { Ruleset } from '../nftables/language/types.js';
import type { CacheRenewal } from './cache-renewal.js';
import type { Clock } from './clock.js';
import { PieceSize } from './piece-size.js';
import { TableReading } from './table-reading.js';
import type { TableChange, TableTurn } from './table-turn.js';
import { TurnOrder } from './turn-order.js';
import type { LoopObserver } from './types.js';

/** `waits`: all is built, and turns before it have not switched. */
type Progress = 'built' | 'waits' | 'switched';

export interface ReadBack {
  /** Every difference from what is desired that is not on its way by a turn. */
  readonly dirty: Dirty;
  /** Another process has changed something. */
  readonly isForeign: boolean;
  /** Nothing was learned: the kernel is to be read again. */
  readonly isVoid: boolean;
  /** Everything was compared, not only what no transaction touched meanwhile. */
  readonly isWhole: boolean;
}

interface PolicyTableParts {
  readonly nftables: Nftables;
  readonly clock: Clock;
  readonly cache: CacheRenewal;
  /** What the kernel should hold when every turn has switched; live. */
  readonly desired: Ruleset;
  /** What counters counted is gone with them. */
  readonly observer?: Pick<LoopObserver, 'beforeRemoval' | 'countersRemoved'> | undefined;
}

/**
 * Brings `table inet podwall` to the desired ruleset turn by turn: knows what the kernel has, and moves it in three phases
 * (build, switch, sweep), of which build and sweep come in pieces. It never decides when; the reconciler does. On an NftError
 * nothing is forgotten: what was not applied is still part of its turn.
 */
export class PolicyTable {
  readonly #parts: PolicyTableParts;
  readonly #order: TurnOrder;
  readonly #inBuild = new InBuild();
  readonly #pieces = new PieceSize();
  readonly #limit = (): number => this.#pieces.limit;
  #applied: MutableRuleset = emptyRuleset();
  /** Names that are removed unless they are desired. */
  #unused = new DirtyCollector();
  #swapsAgain = false;
  #sweepPending = false;
  /** What the sets of an earlier release hold, until others have taken their place. */
  #upgrade: Transaction | undefined;
  #isUnknown = false;
  #isFlagged = false;
  /** The last one that was begun. */
  #reading: TableReading | undefined;

  constructor(parts: PolicyTableParts) {
    this.#parts = parts;
    this.#order = new TurnOrder({ desired: parts.desired, planOf: (turn) => this.#planOf(turn) });
  }

  /** What a change brings, as it is desired now. */
  contentOf(change: TableChange): TurnContent {
    return this.#order.contentOf(change);
  }

  /** @param content what the change brought when it was compiled; turns begin in that order */
  begin(change: TableChange, content?: TurnContent): TableTurn {
    return this.#order.begin(change, content);
  }

  /** The turn has failed and goes on with more changes. */
  extend(turn: TableTurn, change: TableChange): void {
    this.#order.extend(turn, change);
  }

  split(turn: TableTurn, changes: readonly TableChange[]): readonly TableTurn[] {
    return this.#order.split(turn, changes);
  }

  /** The weight that a transaction may have now, so that it takes no longer than others should wait for it. */
  get pieceLimit(): number {
    return this.#pieces.limit;
  }

  /** Whether sets are in use that are not desired any more: those are not kept up to date. */
  get hasOutgoingSets(): boolean {
    return this.#order.hasOutgoingSets;
  }

  /** Whether a turn of this change would wait for none that is on its way. */
  isFree(change: TableChange, content: TurnContent): boolean {
    return this.#order.isFree(change, content);
  }

  /** About what a change weighs in transactions. */
  weightOf({ dirty }: TableChange): number {
    const { desired } = this.#parts;
    let weight = weightOfObject * (dirty.counters.size + dirty.sets.size);
    for (const name of dirty.chains)
      weight += weightOfTitled + weightOfRule * (desired.chains.get(name)?.rules.length ?? 0);
    for (const name of dirty.sets)
      if (!this.#applied.sets.has(name)) weight += desired.sets.get(name)?.elements.size ?? 0;
    for (const keys of dirty.elements.values()) weight += keys.size;
    return weight;
  }

  /** A transaction may be in the kernel or not: nothing is planned before that is read back. */
  get isUnknown(): boolean {
    return this.#isUnknown;
  }

  /** Another process has given the table flags: perhaps no packet meets it. */
  get isFlagged(): boolean {
    return this.#isFlagged;
  }

  /** Takes them from it. */
  async unflag(): Promise<void> {
    await this.#parts.nftables.apply(planUnflag(this.#parts.desired));
    this.#isFlagged = false;
  }

  get sweepPending(): boolean {
    return this.#sweepPending;
  }

  /**
   * Reads what the kernel holds; transactions go on meanwhile.
   * @returns what says, between two transactions, how that differs from what is desired and from what it was
   */
  async read(): Promise<() => ReadBack> {
    const { nftables, desired } = this.#parts;
    const reading = (this.#reading = new TableReading());
    const listed = await nftables.list(desired, this.#applied);
    return () => this.#compare(reading, listed);
  }

  #compare(reading: TableReading, listed: MutableRuleset | undefined): ReadBack {
    const { desired, cache } = this.#parts;
    const { isVoid, isWhole } = reading;
    if (this.#reading === reading) this.#reading = undefined;
    if (isVoid) return { dirty: new DirtyCollector(), isForeign: false, isVoid, isWhole };
    const held = listed ?? emptyRuleset();
    const wasUnknown = this.#isUnknown;
    this.#isFlagged = held.isFlagged === true;
    const known = this.#applied;
    const stale = staleCachesIn(known);
    const drift = isWhole ? DirtyCollector.merged(findDrift(known, held, known)) : reading.takeInto(known, held);
    drift.remove(stale);
    if (isWhole) {
      this.#isUnknown = false;
      this.#applied = held;
      this.#upgrade = carryOver(desired, held);
    }
    if (isWhole || isDirty(drift)) {
      this.#inBuild.restart(this.#applied);
      for (const turn of this.#order.pending) turn.restart();
    }
    const dirty = this.#order.remainderOf(isWhole ? findDrift(desired, held, known) : drift);
    dirty.remove(undesiredOf(this.#unused, desired));
    if (this.#sweepPending) dirty.remove(stale);
    // After an own failure a difference is no sign of another process.
    const isForeign = this.#isFlagged || (isDirty(drift) && !wasUnknown);
    if (isDirty(drift)) cache.distrust();
    return { dirty, isForeign, isVoid, isWhole };
  }

  /**
   * Applies the next transaction of the turn. `onSwitched` is called when its verdicts are in force, and perhaps those of
   * all turns: each that is has `isSwitched`.
   * @param limit of its weight, while it builds
   */
  async advance(turn: TableTurn, onSwitched: () => void, limit = this.#limit): Promise<Progress> {
    if (this.#isUnknown) throw new Error('a turn cannot go on: the kernel has not been read back');
    const input = this.#planOf(turn);
    try {
      if (needsReplacement(input)) await this.replace(onSwitched);
      else {
        turn.build ??= buildSteps(input, limit);
        const step = turn.build.next().value ?? undefined;
        if (step !== undefined) {
          await this.#apply(step);
          return 'built';
        }
        turn.isWaiting = !turn.maySwitch;
        if (turn.isWaiting) return 'waits';
        await this.#switch(turn, input, onSwitched);
      }
      return 'switched';
    } catch (error) {
      turn.restart();
      if (error instanceof NftError && error.reason === 'timed-out') this.#pieces.halve();
      throw error;
    }
  }

  /** Removes some of what nothing refers to any more. */
  async sweep(): Promise<void> {
    this.#unused.add(this.#order.takeUnused());
    this.#order.spare(this.#unused);
    const { desired } = this.#parts;
    const state = { desired, applied: this.#applied, inBuild: this.#inBuild };
    const steps = sweepSteps({ ...state, unused: this.#unused, swapsAgain: this.#swapsAgain }, this.#limit);
    this.#sweepPending = true;
    const step = steps.next().value ?? undefined;
    if (step !== undefined) {
      await this.#removeCounters(deletedCounters(step.transaction), () => this.#apply(step));
      this.#swapsAgain = false;
      // The first step has all that concerns the verdict cache.
      this.#parts.cache.settled(this.#applied);
      if (steps.next().done !== true) return;
    } else this.#parts.cache.settled(this.#applied);
    this.#unused = new DirtyCollector();
    this.#sweepPending = false;
  }

  /** Exceptions of the verdict cache have lasted, and it is known what the kernel holds. */
  get isRenewalDue(): boolean {
    return this.#parts.cache.isDue && !this.#isUnknown;
  }

  /** Ends the exceptions that the verdict cache has made for a while, if any: verdicts stay. */
  async renewCache(): Promise<void> {
    const { cache, desired } = this.#parts;
    if (!this.isRenewalDue) return;
    cache.distrust();
    const nothing = { content: new TurnContent(), effect: 'none' } as const;
    const { step } = planSwitch({ ...nothing, desired, applied: this.#applied, inBuild: this.#inBuild }, 'renewed');
    if (step !== undefined) await this.#apply(step);
    await this.sweep();
  }

  /**
   * Replaces the whole table in one transaction: for a kernel state that three phases cannot mend, or that cannot be read.
   * All turns are in force then.
   */
  async replace(onSwitched: () => void): Promise<void> {
    const { nftables, desired, cache } = this.#parts;
    // What the kernel holds may not be known: then it is what was desired.
    const counters = new Set([...this.#applied.counters, ...desired.counters]);
    await this.#removeCounters([...counters], () => {
      this.#reading?.void();
      this.#isUnknown = true;
      cache.distrust();
      return nftables.apply(planReplacement(desired));
    });
    this.#isUnknown = this.#isFlagged = false;
    overwrite(this.#applied, desired);
    this.#order.allSwitched();
    this.#inBuild.clear();
    this.#unused = new DirtyCollector();
    onSwitched();
    await this.#carryOver(this.#upgrade);
    this.#upgrade = undefined;
  }

  async #switch(turn: TableTurn, input: PlanInput, onSwitched: () => void): Promise<void> {
    const { cache } = this.#parts;
    const fate = cache.next;
    // What the kernel took of a switch that breaks off is not known.
    cache.distrust();
    // It may have come into force although its answer was lost.
    const isDone = turn.maybeSwitched && isInForce(input);
    const { step, swapsAgain } = isDone ? doneSwitch(input) : planSwitch(input, fate);
    const upgrade = this.#upgrade;
    await this.#carryOver(upgrade);
    try {
      if (step !== undefined) await this.#apply(step);
    } finally {
      turn.maybeSwitched = this.#isUnknown;
    }
    this.#swapsAgain ||= swapsAgain;
    this.#order.switched(turn);
    this.#unused.remove(turn.content.names(true));
    onSwitched();
    // Again, with what packets added up to the switch.
    if (upgrade !== undefined) await this.#carryOver(await this.#upgradeFromKernel());
    this.#upgrade = undefined;
  }

  #planOf(turn: TableTurn): PlanInput {
    return {
      desired: this.#parts.desired,
      applied: this.#applied,
      inBuild: this.#inBuild,
      content: turn.content,
      effect: turn.effect,
      earlier: () => this.#order.earlierThan(turn),
    };
  }

  async #upgradeFromKernel(): Promise<Transaction | undefined> {
    const { nftables, desired } = this.#parts;
    const held = await nftables.list(desired);
    return held && carryOver(desired, held);
  }

  async #carryOver(upgrade: Transaction | undefined): Promise<void> {
    if (upgrade !== undefined && upgrade.commands.length > 0) await this.#parts.nftables.apply(upgrade);
  }

  #becomeUnknown(): void {
    this.#isUnknown = true;
    this.#reading?.void();
  }

  async #removeCounters(counters: readonly string[], remove: () => Promise<void>): Promise<void> {
    const { observer } = this.#parts;
    if (counters.length > 0) await observer?.beforeRemoval(counters);
    await remove();
    if (counters.length > 0) observer?.countersRemoved?.(counters);
  }

  async #apply({ transaction, weight, record }: Step): Promise<void> {
    const { nftables, clock } = this.#parts;
    const began = clock.now();
    try {
      await nftables.apply(transaction);
    } catch (error) {
      if (!isRefusal(error)) this.#becomeUnknown();
      throw error;
    }
    this.#reading?.note(transaction);
    record();
    this.#pieces.learn(weight, clock.now() - began);
  }
}

/** Its interval sets may have changed a moment ago. */
const doneSwitch = ({ content, applied }: PlanInput): ReturnType<typeof planSwitch> => ({
  step: undefined,
  swapsAgain: [...content.sets.keys(), ...content.elements.keys()].some(
    (name) => applied.sets.get(name)?.interval === true,
  ),
});
