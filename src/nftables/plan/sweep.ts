import type { MutableRuleset } from '../language/mutable-ruleset.js';
import type { Ruleset } from '../language/types.js';
import { isCacheChain, isCacheSet } from '../render/cache.js';
import { DirtyCollector, type Dirty } from '../render/dirty.js';
import { Batch, weightOfRule, type Step } from './batch.js';
import { CacheSwaps } from './cache-swaps.js';
import type { InBuild } from './in-build.js';

interface SweepInput {
  readonly desired: Ruleset;
  readonly applied: MutableRuleset;
  readonly inBuild: InBuild;
  /** Names that may be unused; nothing in the kernel refers to those that are not desired. */
  readonly unused: Pick<Dirty, 'chains' | 'sets' | 'counters' | 'others'>;
  readonly swapsAgain: boolean;
}

/**
 * Removes what nothing refers to any more. Each step is planned when it is asked for, and must be recorded before the
 * next one.
 * @param limit the weight that a step may have now
 */
export function* sweepSteps(input: SweepInput, limit: () => number): Generator<Step, void> {
  const { desired, applied, swapsAgain } = input;
  if (swapsAgain) {
    const swap = new Batch(desired, 'narrows');
    new CacheSwaps(desired, applied).swap(swap);
    yield* swap.steps();
  }
  const batch = new Batch(desired, 'none', limit);
  yield* emptyChains(input, batch);
  // Chains of an earlier release, which are empty now, may have named them.
  const cache = new CacheSwaps(desired, applied);
  cache.removeUnused(batch);
  cache.prepareStandby(batch);
  yield* removeObjects(input, batch);
  yield* batch.steps();
}

/** Chains lose their rules before what these name is removed. */
function* emptyChains({ desired, applied, inBuild, unused }: SweepInput, batch: Batch): Generator<Step, void> {
  for (const name of unused.chains) {
    const chain = applied.chains.get(name);
    if (chain === undefined || desired.chains.has(name) || isCacheChain(name) || chain.rules.length === 0) continue;
    batch.commands.flushChain(name);
    batch.done(weightOfRule, () => {
      applied.chains.set(name, { ...chain, rules: [] });
      inBuild.beginChain(name);
    });
    yield* batch.closedSteps();
  }
}

/** Maps go before the chains of their elements. */
function* removeObjects({ desired, applied, inBuild, unused }: SweepInput, batch: Batch): Generator<Step, void> {
  for (const name of unused.sets) {
    const set = applied.sets.get(name);
    if (set === undefined || desired.sets.has(name) || isCacheSet(name)) continue;
    batch.commands.deleteSet(set);
    batch.done(1, () => {
      applied.sets.delete(name);
      inBuild.removed(name);
    });
    yield* batch.closedSteps();
  }
  for (const name of unused.chains) {
    if (!applied.chains.has(name) || desired.chains.has(name) || isCacheChain(name)) continue;
    batch.commands.deleteChain(name);
    batch.done(1, () => {
      applied.chains.delete(name);
      inBuild.removed(name);
    });
    yield* batch.closedSteps();
  }
  for (const name of unused.counters) {
    if (!applied.counters.has(name) || desired.counters.has(name)) continue;
    batch.commands.deleteCounter(name);
    batch.done(1, () => applied.counters.delete(name));
    yield* batch.closedSteps();
  }
  for (const name of unused.others) {
    const object = applied.others.get(name);
    if (object === undefined) continue;
    batch.commands.deleteOther(object);
    batch.done(1, () => applied.others.delete(name));
    yield* batch.closedSteps();
  }
}

/** Of these names, those of objects that should not be there. */
export function undesiredOf(dirty: SweepInput['unused'], desired: Ruleset): DirtyCollector {
  const names = new DirtyCollector();
  for (const kind of ['chains', 'sets', 'counters'] as const)
    for (const name of dirty[kind]) if (!desired[kind].has(name)) names[kind].add(name);
  for (const name of dirty.others) names.others.add(name);
  return names;
}
