/** What other policies say already, for the same pods and more. */
import { directions, type Direction } from '../model/policy.js';
import { selectorWithin } from './containment.js';
import { ruleWithin } from './rule-containment.js';
import type { ValidPolicy } from './objects.js';
import type { LintInput } from './types.js';
import type { RuleEntry } from './policy-parts.js';

interface Container extends ValidPolicy {
  readonly index: number;
}

export class Redundancy {
  readonly #order: ReadonlyMap<ValidPolicy['object'], number>;
  readonly #input: LintInput;

  constructor(input: LintInput) {
    this.#input = input;
    this.#order = new Map(input.policies.map((object, index) => [object, index]));
  }

  /** Other policies that select at least the same pods, and are enforced where this one is. */
  around({ object, policy }: ValidPolicy): readonly ValidPolicy[] {
    const { ref, appliesTo, mode } = policy;
    // Who selects at least the same selects what has the first of the values, whatever else it has.
    const labels = Object.fromEntries(
      appliesTo.requirements.flatMap((one) => (one.operator === 'In' ? [[one.key, one.values[0] ?? ''] as const] : [])),
    );
    return this.#input
      .policyCandidates(ref.namespace, labels)
      .filter(
        (other) =>
          other.object !== object &&
          (other.policy.mode === undefined || mode !== undefined) &&
          selectorWithin(appliesTo, other.policy.appliesTo),
      );
  }

  /** The rule of one of these policies that allows all that `entry` does; of equals, the first one is no copy. */
  containerOf(entry: RuleEntry, around: readonly ValidPolicy[]): Container | undefined {
    const { policy, direction, rule } = entry;
    const { namespace } = policy.ref;
    for (const other of around) {
      const isLater = this.#orderOf(other) > this.#orderOf(entry);
      const mayEqual = isLater && selectorWithin(other.policy.appliesTo, policy.appliesTo);
      const index = (other.policy[direction] ?? []).findIndex(
        (one) => ruleWithin(rule, one, namespace) && !(mayEqual && ruleWithin(one, rule, namespace)),
      );
      if (index >= 0) return { ...other, index };
    }
    return undefined;
  }

  /** For each of a policy's rules one that contains it, where that and the isolation leave nothing to the policy. */
  containersOf(one: ValidPolicy, rules: readonly RuleEntry[]): readonly Container[] | undefined {
    const around = this.around(one);
    const isolates = (direction: Direction): boolean =>
      one.policy[direction] !== undefined && around.every(({ policy }) => policy[direction] === undefined);
    if (directions.some(isolates)) return undefined;
    const containers = rules.map((entry) => this.containerOf(entry, around));
    return containers.every((container) => container !== undefined) ? containers : undefined;
  }

  #orderOf({ object }: ValidPolicy): number {
    return this.#order.get(object) ?? 0;
  }
}
