import type { Chain, NftSet } from '../language/types.js';
import { isEmpty } from '../language/compare.js';
import type { Element } from '../language/command.js';
import { cacheIsIntact, cacheLookup } from '../render/cache.js';
import { Batch, weightOfObject, weightOfRule, weightOfTitled, type Step } from './batch.js';
import { CacheSwaps } from './cache-swaps.js';
import { isNothing, missingFor, type Missing } from './missing.js';
import type { PlanInput } from './plan-input.js';

/** Elements of one command. */
const elementsAtOnce = 500;
const rulesAtOnce = 50;

/**
 * Makes all that the switch of a turn refers to. Each step is planned when it is asked for, from what the kernel holds
 * then, and must be recorded before the next one: between two steps, other turns have theirs.
 * @param limit the weight that a step may have now
 */
export function* buildSteps(input: PlanInput, limit: () => number): Generator<Step, void> {
  yield* prepare(input);
  let isIdle = false;
  for (let missing = missingFor(input); !isNothing(missing); missing = missingFor(input)) {
    // Once it may be that others have made everything, and that was to be noted only.
    const wasIdle = isIdle;
    isIdle = true;
    for (const step of stepsFor(missing, input, limit)) {
      isIdle = false;
      yield step;
    }
    if (wasIdle && isIdle) throw new Error(`a build makes no progress: ${JSON.stringify(namesOf(missing))}`);
  }
  if (input.applied.chains.has('forward') || !hasDamagedCache(input)) return;
  // No packet meets it yet.
  const batch = new Batch(input.desired, 'none');
  new CacheSwaps(input.desired, input.applied).swap(batch);
  yield* batch.steps();
}

const namesOf = ({ chains, sets, counters }: Missing): readonly string[] =>
  [...counters, ...[...sets, ...chains].map(({ name }) => name)].slice(0, 10);

const hasDamagedCache = ({ desired, applied }: PlanInput): boolean =>
  desired.chains.has(cacheLookup) && !cacheIsIntact(applied);

function* prepare({ desired, applied }: PlanInput): Generator<Step, void> {
  const batch = new Batch(desired, 'none');
  if (isEmpty(applied)) batch.commands.addTable(desired.title);
  new CacheSwaps(desired, applied).preparePointers(batch);
  yield* batch.steps();
}

/** First everything without its content: sets without elements, chains without rules. */
function* stepsFor(missing: Missing, input: PlanInput, limit: () => number): Generator<Step, void> {
  const batch = new Batch(input.desired, 'none', limit);
  for (const add of [addCounters, addSets, addChains, addRules, addElements]) yield* add(missing, input, batch);
  yield* batch.steps();
}

type Part = (missing: Missing, input: PlanInput, batch: Batch) => Generator<Step, void>;

const addCounters: Part = function* ({ counters }, { applied }, batch) {
  for (const name of counters) {
    if (applied.counters.has(name)) continue;
    batch.commands.addCounter(name);
    batch.done(weightOfObject, () => applied.counters.add(name));
    yield* batch.closedSteps();
  }
};

const addSets: Part = function* ({ sets }, { applied, inBuild }, batch) {
  for (const set of sets) {
    if (!inBuild.hasSet(set.name)) inBuild.beginSet(set);
    if (applied.sets.has(set.name)) continue;
    batch.commands.addSet(set);
    batch.done(weightOfObject, () => applied.sets.set(set.name, { ...set, elements: new Map() }));
    yield* batch.closedSteps();
  }
};

const addChains: Part = function* ({ chains }, { applied, inBuild }, batch) {
  for (const chain of chains) {
    if (applied.chains.has(chain.name)) continue;
    batch.commands.addChain(chain);
    batch.done(chain.title === undefined ? weightOfObject : weightOfTitled, () => {
      applied.chains.set(chain.name, { ...chain, rules: [] });
      inBuild.beginChain(chain.name);
    });
    yield* batch.closedSteps();
  }
};

const addRules: Part = function* ({ chains }, input, batch) {
  for (const chain of chains) yield* addRulesOf(chain, input, batch);
};

/** A turn that came between may have completed the chain. */
function* addRulesOf({ name, rules }: Chain, { applied, inBuild }: PlanInput, batch: Batch): Generator<Step, void> {
  for (let next = 0; ;) {
    const inKernel = applied.chains.get(name);
    if (inKernel !== undefined && !inBuild.hasChain(name)) return;
    next = Math.max(next, inKernel?.rules.length ?? 0);
    const end = Math.min(next + rulesAtOnce, rules.length);
    batch.commands.addRules(name, rules.slice(next, end));
    batch.done(weightOfRule * (end - next), () => {
      const chain = applied.chains.get(name);
      if (chain !== undefined)
        applied.chains.set(name, { ...chain, rules: end === rules.length ? rules : rules.slice(0, end) });
      if (end === rules.length) inBuild.chainCompleted(name);
    });
    yield* batch.closedSteps();
    if (end === rules.length) return;
    next = end;
  }
}

const addElements: Part = function* ({ sets }, input, batch) {
  for (const set of sets) yield* addElementsOf(set, input, batch);
};

function* addElementsOf({ name }: NftSet, { applied, inBuild }: PlanInput, batch: Batch): Generator<Step, void> {
  for (let next = 0; ;) {
    const progress = inBuild.progressOf(name);
    if (progress === undefined) return;
    next = Math.max(next, progress.next);
    const keys = progress.keys.slice(next, next + elementsAtOnce);
    const end = next + keys.length;
    const isLast = end === progress.keys.length;
    const added = keys.flatMap((key): Element[] => {
      const value = progress.elements.get(key);
      const isThere = applied.sets.get(name)?.elements.has(key) === true;
      return value === undefined || isThere ? [] : [[key, value]];
    });
    batch.commands.addElements({ name }, added);
    batch.done(added.length, () => {
      const target = applied.sets.get(name);
      for (const [key, value] of added) target?.elements.set(key, value);
      inBuild.elementsAdded(name, end);
    });
    yield* batch.closedSteps();
    if (isLast) return;
    next = end;
  }
}
