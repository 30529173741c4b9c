/** Which policies are the youngest: those that a limit on several policies is for. */
import { policyKey, type AnyPolicy } from './policy.js';

type Aged = Pick<AnyPolicy, 'ref' | 'created'>;

/** The oldest first, by creationTimestamp and then by name; manifests have no timestamp and count as oldest. */
export function compareAge(a: Aged, b: Aged): number {
  const [first, second] = [a.created ?? 0, b.created ?? 0];
  if (first !== second) return first - second;
  const [one, other] = [policyKey(a.ref), policyKey(b.ref)];
  return one < other ? -1 : one > other ? 1 : 0;
}

/** All but the `most` oldest. */
export const youngestBeyond = <T extends Aged>(policies: readonly T[], most: number): readonly T[] =>
  policies.length <= most ? [] : policies.toSorted(compareAge).slice(most);
