import { carryOver } from '../nftables/plan/carry-over.js';
import { findDrift } from '../nftables/plan/drift.js';
import { mergeDirty, noneDirty, isDirty, type Dirty } from '../nftables/render/dirty.js';
import { planChange, planReplacement, type Plan } from '../nftables/plan/plan.js';
import type { CacheRenewal } from './cache-renewal.js';
import { emptyRuleset, type MutableRuleset } from '../nftables/language/mutable-ruleset.js';
import { deletedCounters, type Transaction } from '../nftables/language/command.js';
import { NftError, type Nftables } from '../nftables/language/nftables.js';
import type { Ruleset } from '../nftables/language/types.js';
import type { Effect } from '../program/types.js';
import type { LoopObserver } from './types.js';

/** The widest effect of two: what may narrow stays narrowing. */
const worse = (a: Effect, b: Effect): Effect =>
  a === 'narrows' || b === 'narrows' ? 'narrows' : a === 'widens' || b === 'widens' ? 'widens' : 'none';

/**
 * Holds `table inet podwall` to the desired ruleset: knows what the kernel has, what differs, and moves it in three
 * phases (build, switch, sweep). It never decides when; the reconciler does.
 */
export class PolicyTable {
  readonly #nftables: Nftables;
  readonly #cache: CacheRenewal;
  readonly #beforeRemoval: LoopObserver['beforeRemoval'] | undefined;
  #applied: MutableRuleset = emptyRuleset();
  #exists = false;
  #dirty: Dirty = noneDirty();
  #effect: Effect = 'none';
  /** What the sets of an earlier release hold, until others have taken their place. */
  #upgrade: Transaction | undefined;
  /** A transaction may be in the kernel or not. */
  #isUnknown = false;

  /** `beforeRemoval`: what counters counted is gone with them. */
  constructor(nftables: Nftables, cache: CacheRenewal, beforeRemoval?: LoopObserver['beforeRemoval']) {
    this.#nftables = nftables;
    this.#cache = cache;
    this.#beforeRemoval = beforeRemoval;
  }

  /** Records that `dirty` must be brought to the kernel, with this effect on what is allowed. */
  note(dirty: Dirty, effect: Effect): void {
    this.#dirty = mergeDirty(this.#dirty, dirty);
    this.#effect = worse(this.#effect, effect);
  }

  get pending(): boolean {
    return isDirty(this.#dirty);
  }

  /**
   * Reads what the kernel holds and notes every difference from `desired` as a narrowing change: what was noted before is
   * among them.
   * @returns whether another process changed anything; what is only noted and not yet in the kernel is not another's.
   */
  async readBack(desired: Ruleset): Promise<boolean> {
    const listed = await this.#nftables.list(desired.family, desired.table);
    const [held, known] = [listed ?? emptyRuleset(), this.#applied];
    const isForeign = this.pending ? isDirty(findDrift(known, held, known)) : undefined;
    this.#isUnknown = false;
    this.#exists = listed !== undefined;
    this.#applied = held;
    this.#upgrade = carryOver(desired, this.#applied);
    this.#dirty = findDrift(desired, this.#applied, known);
    const differed = this.pending;
    if (differed) this.#cache.distrust();
    this.#effect = differed ? 'narrows' : 'none';
    return isForeign ?? differed;
  }

  /**
   * Moves the kernel to `desired`. `onSwitched` is called when the new verdicts are in force; the sweep comes after.
   * On an NftError nothing is forgotten: what was not applied stays noted.
   */
  async converge(desired: Ruleset, onSwitched: () => void): Promise<void> {
    if (this.#isUnknown) await this.readBack(desired);
    if (!this.pending) {
      onSwitched();
      return;
    }
    const [dirty, effect, cache] = [this.#dirty, this.#effect, this.#cache.next];
    // What the kernel took of a plan that breaks off is not known.
    this.#cache.distrust();
    const plan = planChange({ desired, applied: this.#applied, dirty, effect, cache });
    if (plan.replaces === true) await this.#announceRemoval([...this.#applied.counters]);
    for (const step of plan.build) await this.#apply(step.transaction, step.record);
    if (plan.replaces !== true) await this.#carryOver(this.#upgrade);
    if (plan.switch !== undefined) await this.#apply(plan.switch.transaction, plan.switch.record);
    this.#exists = true;
    onSwitched();
    if (plan.replaces === true) await this.#carryOver(this.#upgrade);
    // Again, with what packets added up to the switch.
    else if (this.#upgrade !== undefined) await this.#carryOver(await this.#upgradeFromKernel(desired));
    this.#upgrade = undefined;
    await this.#sweep(plan);
    this.#dirty = noneDirty();
    this.#effect = 'none';
  }

  /** Ends the exceptions that the verdict cache has made for a while, if any: verdicts stay. */
  async renewCache(desired: Ruleset): Promise<void> {
    if (!this.#cache.isDue) return;
    this.#cache.distrust();
    const plan = planChange({
      desired,
      applied: this.#applied,
      dirty: noneDirty(),
      effect: 'none',
      cache: 'renewed',
    });
    if (plan.switch !== undefined) await this.#apply(plan.switch.transaction, plan.switch.record);
    await this.#sweep(plan);
  }

  /** Replaces the whole table in one transaction: for a kernel state that three phases cannot mend. */
  async replace(desired: Ruleset, onSwitched: () => void): Promise<void> {
    await this.#announceRemoval([...this.#applied.counters]);
    await this.#nftables.apply(planReplacement(desired, this.#exists));
    onSwitched();
    await this.#carryOver(this.#upgrade);
    await this.readBack(desired);
  }

  async #sweep(plan: Plan): Promise<void> {
    await this.#announceRemoval(plan.sweep.flatMap(({ transaction }) => deletedCounters(transaction)));
    for (const step of plan.sweep) await this.#apply(step.transaction, step.record);
    this.#cache.settled(this.#applied);
  }

  async #upgradeFromKernel(desired: Ruleset): Promise<Transaction | undefined> {
    const held = await this.#nftables.list(desired.family, desired.table);
    return held && carryOver(desired, held);
  }

  async #carryOver(upgrade: Transaction | undefined): Promise<void> {
    if (upgrade !== undefined && upgrade.commands.length > 0) await this.#nftables.apply(upgrade);
  }

  async #announceRemoval(counters: readonly string[]): Promise<void> {
    if (counters.length > 0) await this.#beforeRemoval?.(counters);
  }

  async #apply(transaction: Transaction, record: () => void): Promise<void> {
    try {
      await this.#nftables.apply(transaction);
    } catch (error) {
      this.#isUnknown ||= !isRefusal(error);
      throw error;
    }
    record();
  }
}

export const isRefusal = (error: unknown): boolean => error instanceof NftError && error.reason === 'refused';
