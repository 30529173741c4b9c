/**
 * What must be complete in the kernel before a switch: everything that the turn's chains and map elements refer to,
 * directly or not, whoever was going to make it. Turns of others may have got only half way.
 */
import { chainOfVerdict, referencesOf } from '../language/references.js';
import type { Chain, NftSet } from '../language/types.js';
import { isCacheChain, isCacheSet } from '../render/cache.js';
import type { PlanInput } from './plan-input.js';
import type { TurnContent } from './turn-content.js';

export interface Missing {
  readonly counters: readonly string[];
  readonly sets: readonly NftSet[];
  readonly chains: readonly Chain[];
}

export function missingFor(input: PlanInput): Missing {
  const search = new MissingSearch(input);
  search.run();
  return search;
}

export const isNothing = ({ counters, sets, chains }: Missing): boolean =>
  counters.length + sets.length + chains.length === 0;

class MissingSearch implements Missing {
  readonly counters: string[] = [];
  readonly sets: NftSet[] = [];
  readonly chains: Chain[] = [];
  readonly #input: PlanInput;
  readonly #earlier: readonly TurnContent[];
  readonly #seen = new Set<string>();
  /** Chains whose rules are still to be looked at. */
  readonly #queue: Chain[] = [];

  constructor(input: PlanInput) {
    this.#input = input;
    this.#earlier = input.earlier?.() ?? [];
  }

  run(): void {
    const { content } = this.#input;
    for (const [name, isThere] of content.counters) if (isThere) this.#counter(name);
    for (const [name, set] of content.sets) if (set !== undefined) this.#set(name);
    for (const [name, chain] of content.chains) if (chain !== undefined) this.#chain(name);
    for (const values of content.elements.values()) for (const value of values.values()) this.#verdict(value ?? '');
    for (let chain = this.#queue.pop(); chain !== undefined; chain = this.#queue.pop()) {
      const { sets, chains, counters } = referencesOf(chain.rules);
      for (const name of counters) this.#counter(name);
      for (const name of sets) this.#set(name);
      for (const name of chains) this.#chain(name);
    }
  }

  #counter(name: string): void {
    if (this.#isNew('counter', name) && !this.#input.applied.counters.has(name)) this.counters.push(name);
  }

  #set(name: string): void {
    if (!this.#isNew('set', name) || isCacheSet(name)) return;
    const { applied, inBuild, content, desired } = this.#input;
    // What is compared whole in the switch may have elements that go to new chains.
    const isComplete = applied.sets.has(name) && !inBuild.hasSet(name);
    if (isComplete && !content.sets.has(name)) return;
    const set = this.#ofTurns((turn) => turn.sets.get(name)) ?? desired.sets.get(name);
    if (set === undefined) throw new Error(`a rule names set ${name}, which is not there`);
    if (!isComplete) this.sets.push(set);
    if (set.verdicts) for (const value of set.elements.values()) this.#verdict(value);
  }

  #chain(name: string): void {
    if (!this.#isNew('chain', name) || isCacheChain(name)) return;
    const { desired, applied, inBuild } = this.#input;
    const own = this.#ofTurns((turn) => turn.chains.get(name));
    const isComplete = applied.chains.has(name) && !inBuild.hasChain(name);
    if (isComplete && own === undefined) return;
    const chain = own ?? desired.chains.get(name);
    if (chain === undefined) throw new Error(`a rule names chain ${name}, which is not there`);
    // A base chain is made by the switch: from then on packets meet it.
    if (!isComplete && chain.hook === undefined) this.chains.push(chain);
    this.#queue.push(chain);
  }

  #ofTurns<T>(find: (turn: TurnContent) => T | undefined): T | undefined {
    const own = find(this.#input.content);
    if (own !== undefined) return own;
    for (const turn of this.#earlier) {
      const found = find(turn);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #verdict(value: string): void {
    const chain = chainOfVerdict(value);
    if (chain !== undefined) this.#chain(chain);
  }

  #isNew(kind: string, name: string): boolean {
    const key = `${kind} ${name}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }
}
