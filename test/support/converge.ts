/** A turn that is alone: from its change to the end of its sweep, each step recorded as soon as it is applied. */
import { buildSteps } from '../../src/nftables/plan/build.js';
import { heaviestTransaction, type Step } from '../../src/nftables/plan/batch.js';
import { needsReplacement } from '../../src/nftables/plan/difference.js';
import { InBuild } from '../../src/nftables/plan/in-build.js';
import { planReplacement, planSwitch, type CacheFate } from '../../src/nftables/plan/plan.js';
import type { PlanInput } from '../../src/nftables/plan/plan-input.js';
import { sweepSteps } from '../../src/nftables/plan/sweep.js';
import { TurnContent } from '../../src/nftables/plan/turn-content.js';
import type { Dirty } from '../../src/nftables/render/dirty.js';
import type { Transaction } from '../../src/nftables/language/command.js';
import type { PolicyTable } from '../../src/reconciler/policy-table.js';
import type { TableChange } from '../../src/reconciler/table-turn.js';
import { overwrite } from '../../src/nftables/language/mutable-ruleset.js';

export interface LoneTurn extends Omit<PlanInput, 'inBuild' | 'earlier' | 'content'> {
  readonly dirty: Dirty;
  readonly cache?: CacheFate;
}

export interface Phases {
  readonly build: Step[];
  switch?: Step;
  readonly sweep: Step[];
}

/** @param limit of a step's weight */
export function* stepsOf(turn: LoneTurn, limit = heaviestTransaction): Generator<[phase: keyof Phases, step: Step]> {
  const { desired, applied, dirty, effect } = turn;
  const inBuild = new InBuild();
  const input: PlanInput = { desired, applied, effect, inBuild, content: TurnContent.of(dirty, desired) };
  if (needsReplacement(input)) {
    const transaction = planReplacement(desired);
    yield ['switch', { transaction, weight: 0, record: () => overwrite(applied, desired) }];
    return;
  }
  for (const step of buildSteps(input, () => limit)) yield ['build', step];
  const { step, swapsAgain } = planSwitch(input, turn.cache);
  if (step !== undefined) yield ['switch', step];
  for (const one of sweepSteps({ desired, applied, inBuild, unused: dirty, swapsAgain }, () => limit))
    yield ['sweep', one];
}

export function converge(turn: LoneTurn, apply: (transaction: Transaction) => void): Phases {
  const done: Phases = { build: [], sweep: [] };
  for (const [phase, step] of stepsOf(turn)) {
    apply(step.transaction);
    step.record();
    if (phase === 'switch') done.switch = step;
    else done[phase].push(step);
  }
  return done;
}

/** One turn of the policy table that is alone, with all of its sweep. */
export async function bringIntoForce(table: PolicyTable, change: TableChange, onSwitched: () => void): Promise<void> {
  const turn = table.begin(change);
  while (!turn.isSwitched) await table.advance(turn, onSwitched);
  do await table.sweep();
  while (table.sweepPending);
}
