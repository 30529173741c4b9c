import { carryOver } from '../nftables/plan/carry-over.js';
import { findDrift } from '../nftables/plan/drift.js';
import { mergeDirty, noneDirty, isDirty, type Dirty } from '../nftables/render/dirty.js';
import { planChange, planReplacement } from '../nftables/plan/plan.js';
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
  readonly #beforeRemoval: LoopObserver['beforeRemoval'] | undefined;
  #applied: MutableRuleset = emptyRuleset();
  #exists = false;
  #dirty: Dirty = noneDirty();
  #effect: Effect = 'none';
  /** What the sets of an earlier release hold, until others have taken their place. */
  #upgrade: Transaction | undefined;

  /** `beforeRemoval`: what counters counted is gone with them. */
  constructor(nftables: Nftables, beforeRemoval?: LoopObserver['beforeRemoval']) {
    this.#nftables = nftables;
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
   * Reads what the kernel holds and notes every difference from `desired` as a narrowing change.
   * @returns whether anything differed.
   */
  async readBack(desired: Ruleset): Promise<boolean> {
    const listed = await this.#nftables.list(desired.family, desired.table);
    this.#exists = listed !== undefined;
    this.#applied = listed ?? emptyRuleset();
    this.#upgrade = carryOver(desired, this.#applied);
    this.#dirty = findDrift(desired, this.#applied);
    const differed = this.pending;
    this.#effect = differed ? 'narrows' : 'none';
    return differed;
  }

  /**
   * Moves the kernel to `desired`. `onSwitched` is called when the new verdicts are in force; the sweep comes after.
   * On an NftError nothing is forgotten: what was not applied stays noted.
   */
  async converge(desired: Ruleset, onSwitched: () => void): Promise<void> {
    if (!this.pending) {
      onSwitched();
      return;
    }
    const dirty = this.#dirty;
    const effect = this.#effect;
    const plan = planChange({ desired, applied: this.#applied, dirty, effect });
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
    await this.#announceRemoval(plan.sweep.flatMap(({ transaction }) => deletedCounters(transaction)));
    for (const step of plan.sweep) await this.#apply(step.transaction, step.record);
    this.#dirty = noneDirty();
    this.#effect = 'none';
  }

  /** Replaces the whole table in one transaction: for a kernel state that three phases cannot mend. */
  async replace(desired: Ruleset, onSwitched: () => void): Promise<void> {
    await this.#announceRemoval([...this.#applied.counters]);
    await this.#nftables.apply(planReplacement(desired, this.#exists));
    onSwitched();
    await this.#carryOver(this.#upgrade);
    await this.readBack(desired);
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
    await this.#nftables.apply(transaction);
    record();
  }
}

export const isRefusal = (error: unknown): boolean => error instanceof NftError && error.reason === 'refused';
