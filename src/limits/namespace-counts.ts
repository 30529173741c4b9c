/** The policies of one namespace, their sums, and which are the youngest beyond its limits. */
import { compareAge } from '../model/policy-age.js';
import type { Diagnostic } from '../model/diagnostic.js';
import type { AnyPolicy } from '../model/policy.js';
import { limitDefinitions, type Excess, type LimitName, type Limits } from './limits.js';
import type { PolicyCounts, PolicyExcess } from './policy-counts.js';

export interface CountedPolicy {
  readonly key: string;
  readonly policy: AnyPolicy;
  readonly counts: PolicyCounts;
  /** Of its own limits. */
  readonly excesses: readonly PolicyExcess[];
  /** It fails closed for them: its CIDR ranges are not in force. */
  readonly isRefused: boolean;
}

export class NamespaceCounts {
  readonly #limits: Limits;
  readonly #policies = new Map<string, CountedPolicy>();
  #cidrs = 0;
  /** The oldest first; made when it is first asked for, and kept in order from then on. */
  #byAge: CountedPolicy[] | undefined;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#policies.size;
  }

  get(key: string): CountedPolicy | undefined {
    return this.#policies.get(key);
  }

  policies(): Iterable<CountedPolicy> {
    return this.#policies.values();
  }

  set(key: string, counted: CountedPolicy | undefined): void {
    const before = this.#policies.get(key);
    if (before !== undefined) {
      this.#cidrs -= cidrsOf(before);
      this.#byAge?.splice(placeOf(this.#byAge, before), 1);
    }
    if (counted === undefined) this.#policies.delete(key);
    else {
      this.#policies.set(key, counted);
      this.#cidrs += cidrsOf(counted);
      this.#byAge?.splice(placeOf(this.#byAge, counted), 0, counted);
    }
    if (!this.isOver()) this.#byAge = undefined;
  }

  isOver(): boolean {
    return this.#cidrs > this.#limits.namespaceCidrs || this.#policies.size > this.#limits.namespacePolicies;
  }

  excesses(): readonly Excess[] {
    const counts = { namespaceCidrs: this.#cidrs, namespacePolicies: this.#policies.size };
    return (['namespaceCidrs', 'namespacePolicies'] as const)
      .filter((limit) => counts[limit] > this.#limits[limit])
      .map((limit) => ({ limit, count: counts[limit], most: this.#limits[limit] }));
  }

  /**
   * The policies that fail closed for the namespace's limits, with the reason to report. By age, each takes its place while there
   * is one; one that finds no room for its CIDR ranges leaves the rest to those after it.
   */
  beyond(): ReadonlyMap<string, Diagnostic> {
    const found = new Map<string, Diagnostic>();
    if (!this.isOver()) return found;
    let cidrs = 0;
    this.#byAge ??= [...this.#policies.values()].sort((a, b) => compareAge(a.policy, b.policy));
    for (const [index, one] of this.#byAge.entries()) {
      const own = cidrsOf(one);
      if (index >= this.#limits.namespacePolicies) found.set(one.key, this.#tooYoung('namespacePolicies'));
      else if (cidrs + own > this.#limits.namespaceCidrs) found.set(one.key, this.#tooYoung('namespaceCidrs'));
      else cidrs += own;
    }
    return found;
  }

  /** Without the namespace's count, which changes with every policy while this one's answer stays. */
  #tooYoung(limit: Extract<LimitName, 'namespaceCidrs' | 'namespacePolicies'>): Diagnostic {
    const { what, flag } = limitDefinitions[limit];
    return {
      code: 'over-limit',
      severity: 'error',
      path: ['metadata', 'namespace'],
      message: `it is among the youngest, beyond the first ${this.#limits[limit]} ${what} (--${flag})`,
    };
  }
}

const cidrsOf = ({ counts, isRefused }: CountedPolicy): number => (isRefused ? 0 : counts.cidrs);

/** Where it stands by age, or would. */
function placeOf(byAge: readonly CountedPolicy[], { policy }: CountedPolicy): number {
  let [low, high] = [0, byAge.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = byAge[middle];
    if (other !== undefined && compareAge(other.policy, policy) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
