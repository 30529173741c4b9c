/** What somebody who mistyped the name of an endpoint may have meant. */
import { distance } from 'fastest-levenshtein';

interface KnownName {
  readonly namespace: string;
  readonly name: string;
  /** How to ask for it. */
  readonly title: string;
}

const most = 5;

/** The nearest first; those of the same name in any namespace before all others. None that share less than half. */
export function nearestNames(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  known: readonly KnownName[],
): readonly KnownName[] {
  return known
    .map((one) => ({ one, apart: distance(name, one.name), elsewhere: one.namespace === namespace ? 0 : 1 }))
    .filter(({ apart, one }) => apart * 2 <= Math.max(name.length, one.name.length) || one.name.includes(name))
    .sort((a, b) => a.apart - b.apart || a.elsewhere - b.elsewhere || (a.one.title < b.one.title ? -1 : 1))
    .slice(0, most)
    .map(({ one }) => one);
}
