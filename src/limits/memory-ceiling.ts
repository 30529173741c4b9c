/** Which policies fit into the memory that there is for them: what is in force stays, and a newcomer that does not fit waits. */
import { compareAge } from '../model/policy-age.js';
import type { AnyPolicy } from '../model/policy.js';
import type { PolicyWeight } from './memory-weights.js';

export interface Newcomer {
  readonly key: string;
  readonly policy: AnyPolicy;
  readonly weight: PolicyWeight;
  /** Whether its namespace has pods here: elsewhere it is an object and no more. */
  readonly isUsed: boolean;
}

export class MemoryCeiling {
  readonly #most: number;
  readonly #held = new Map<string, number>();
  readonly #reserved = new Map<string, number>();
  readonly #waiting = new Map<string, Newcomer>();
  /** Of those that wait, in bytes: with less free there is no need to look at them. */
  #smallestWaiting = Infinity;
  #total = 0;

  /** @param most bytes */
  constructor(most: number) {
    this.#most = most;
  }

  /** What everything that is held and in force weighs, in bytes. */
  get total(): number {
    return this.#total;
  }

  isRefused(key: string): boolean {
    return this.#waiting.has(key);
  }

  /** Forgets a policy that is gone, or that fails closed for another reason. */
  leave(key: string): void {
    this.#hold(key, 0);
    this.#reserve(key, 0);
    this.#waiting.delete(key);
  }

  /**
   * Settles new and changed policies. What is in force and grows is a newcomer: when it does not fit it is refused, and
   * what it had is free. Those of the namespaces that weigh least come first, then the oldest, so that a namespace that
   * fills the memory pays itself; so it is as well when an agent starts and all are newcomers.
   * @returns the keys of those whose answer has changed, and of all newcomers.
   */
  settle(newcomers: readonly Newcomer[]): ReadonlySet<string> {
    const settled = new Set(newcomers.map(({ key }) => key));
    const candidates: Newcomer[] = [];
    for (const newcomer of newcomers) {
      const { key, weight, isUsed } = newcomer;
      this.#hold(key, weight.held);
      this.#waiting.delete(key);
      const stays = isUsed && weight.inForce <= (this.#reserved.get(key) ?? 0);
      this.#reserve(key, stays ? weight.inForce : 0);
      if (isUsed && !stays) candidates.push(newcomer);
    }
    if (this.#free >= this.#smallestWaiting) {
      candidates.push(...this.#waiting.values());
      this.#smallestWaiting = Infinity;
    }
    for (const candidate of inOrder(candidates)) if (this.#decide(candidate)) settled.add(candidate.key);
    return settled;
  }

  get #free(): number {
    return this.#most - this.#total;
  }

  /** @returns whether it was refused before and is no more */
  #decide(candidate: Newcomer): boolean {
    const { key, weight } = candidate;
    if (weight.inForce <= this.#free) {
      this.#reserve(key, weight.inForce);
      return this.#waiting.delete(key);
    }
    this.#waiting.set(key, candidate);
    this.#smallestWaiting = Math.min(this.#smallestWaiting, weight.inForce);
    return false;
  }

  #hold(key: string, bytes: number): void {
    this.#total += bytes - (this.#held.get(key) ?? 0);
    if (bytes === 0) this.#held.delete(key);
    else this.#held.set(key, bytes);
  }

  #reserve(key: string, bytes: number): void {
    this.#total += bytes - (this.#reserved.get(key) ?? 0);
    if (bytes === 0) this.#reserved.delete(key);
    else this.#reserved.set(key, bytes);
  }
}

function inOrder(candidates: readonly Newcomer[]): readonly Newcomer[] {
  if (candidates.length < 2) return candidates;
  const weights = new Map<string, number>();
  for (const { policy, weight } of candidates)
    weights.set(policy.ref.namespace, (weights.get(policy.ref.namespace) ?? 0) + weight.inForce);
  const weightOf = ({ policy }: Newcomer): number => weights.get(policy.ref.namespace) ?? 0;
  return candidates.toSorted((a, b) => weightOf(a) - weightOf(b) || compareAge(a.policy, b.policy));
}
