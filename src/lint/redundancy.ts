/** What other policies say already, for the pods of a policy: without it, the same connections are allowed. */
import { directions, type Direction, type PolicyRule } from '../model/policy.js';
import { ruleWithin, selectorWithin } from './containment.js';
import type { ValidPolicy, World } from './types.js';

export interface OtherRule {
  readonly of: ValidPolicy;
  readonly direction: Direction;
  readonly index: number;
}

/** Other policies of the namespace that select at least the same pods; of two that select the same, the first only. */
export function policiesAround(world: World, one: ValidPolicy): readonly ValidPolicy[] {
  const all = world.policiesIn(one.policy.ref.namespace);
  return all.filter(
    (other) =>
      other !== one &&
      selectorWithin(one.policy.appliesTo, other.policy.appliesTo) &&
      (all.indexOf(other) < all.indexOf(one) || !selectorWithin(other.policy.appliesTo, one.policy.appliesTo)),
  );
}

/** The rule of another policy that allows all that this one does, at all of its pods. */
export function containerOf(
  around: readonly ValidPolicy[],
  rule: PolicyRule,
  direction: Direction,
): OtherRule | undefined {
  for (const of of around) {
    const { policy } = of;
    const index = (policy[direction] ?? []).findIndex((other) => ruleWithin(rule, other, policy.ref.namespace));
    if (index >= 0) return { of, direction, index };
  }
  return undefined;
}
