/** Which policies are the youngest: those that a limit on several policies is for. */
import type { AnyPolicy } from './policy.js';

type Aged = Pick<AnyPolicy, 'ref' | 'created'>;

/** The oldest first, by creationTimestamp and then by namespace and name; manifests have no timestamp and count as oldest. */
export function compareAge(a: Aged, b: Aged): number {
  const [first, second] = [a.created ?? 0, b.created ?? 0];
  if (first !== second) return first - second;
  if (a.ref.namespace !== b.ref.namespace) return a.ref.namespace < b.ref.namespace ? -1 : 1;
  return a.ref.name < b.ref.name ? -1 : a.ref.name > b.ref.name ? 1 : 0;
}

/** All but the `most` oldest. */
export const youngestBeyond = <T extends Aged>(policies: readonly T[], most: number): readonly T[] =>
  policies.length <= most ? [] : policies.toSorted(compareAge).slice(most);
