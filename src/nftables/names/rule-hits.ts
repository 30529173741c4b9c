/** How often each rule that the kernel holds was (or in a dry run would have been) the one to allow, and each set of policies the one to deny. */
import type { RuleList } from '../../program/types.js';
import type { Ruleset, Statement } from '../language/types.js';
import { ruleTitleIn } from './comments.js';
import { counters, type CounterMeaning } from './counters.js';
import { ruleNamed } from './policies.js';
import { todaysName } from './retired.js';

export interface RuleHits {
  /** `shop/allow-web ingress[0]`, or the policies that isolate, as the kernel's comments have it. */
  readonly what: string;
  readonly verdict: 'allow' | 'deny';
  /** Without what the verdict cache lets through. */
  readonly packets: number;
}

/** Which hits of {@link ruleHits} are a rule's. */
export const hitsKey = (list: Pick<RuleList, 'policy' | 'direction'>, rule: number): string =>
  keyOf({ kind: 'rule', ...ruleNamed(list, rule) });

/** One for what a rule allows and what it would allow; readable parts may be cut, so they are no part of it. */
function keyOf(meaning: CounterMeaning): string {
  switch (meaning.kind) {
    case 'rule':
    case 'dry-run-allow':
      return `rule ${meaning.policy} ${meaning.rule}`;
    default:
      return counters.nameOf(meaning);
  }
}

const meaningOf = (counter: string): CounterMeaning | undefined => counters.meaningOf(todaysName(counter));

/** @param packets by the name of their counter */
export function ruleHits(ruleset: Ruleset, packets: ReadonlyMap<string, number>): ReadonlyMap<string, RuleHits> {
  const sums = new Map<string, number>();
  for (const [counter, count] of packets) {
    const meaning = meaningOf(counter);
    if (meaning === undefined) continue;
    const key = keyOf(meaning);
    sums.set(key, (sums.get(key) ?? 0) + count);
  }
  const found = new Map<string, RuleHits>();
  const add = (meaning: CounterMeaning, verdict: RuleHits['verdict'], what: string): void => {
    const key = keyOf(meaning);
    found.set(key, { what, verdict, packets: sums.get(key) ?? 0 });
  };
  for (const { rules } of ruleset.chains.values()) {
    const meanings = rules.map(counted);
    const drop = meanings.find((meaning) => meaning?.kind === 'drop');
    for (const [index, { comment }] of rules.entries()) {
      if (comment === undefined) continue;
      const meaning = meanings[index] ?? drop;
      if (meaning?.kind === 'rule' || meaning?.kind === 'dry-run-allow') add(meaning, 'allow', ruleTitleIn(comment));
      else if (meaning?.kind === 'dry-run-deny' || meaning?.kind === 'drop') add(meaning, 'deny', comment);
    }
  }
  return found;
}

/** What the named counter of a rule counts. */
const counted = ({ statements }: { readonly statements: readonly Statement[] }): CounterMeaning | undefined => {
  const counter = statements.flatMap((statement) => ('counter' in statement ? [statement.counter] : []))[0];
  return counter === undefined ? undefined : meaningOf(counter);
};
