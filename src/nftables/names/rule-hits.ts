/** How often each rule that the kernel holds was (or in a dry run would have been) the one to allow, and each set of policies the one to deny. */
import type { Ruleset, Statement } from '../language/types.js';

export interface RuleHits {
  /** `shop/allow-web ingress[0]`, or the policies that isolate, as the kernel's comments have it. */
  readonly what: string;
  readonly verdict: 'allow' | 'deny';
  /** Of allowed ones judgements only: what the verdict cache lets through is not counted again. */
  readonly packets: number;
}

/** @param counters packets by the name of their counter */
export function ruleHits(ruleset: Ruleset, counters: ReadonlyMap<string, number>): ReadonlyMap<string, RuleHits> {
  const found = new Map<string, RuleHits>();
  for (const { rules } of ruleset.chains.values()) {
    const dropped = rules
      .map(({ statements }) => counterIn(statements))
      .find((name) => name?.startsWith('drop-') === true);
    for (const { statements, comment } of rules) {
      const counter = counterIn(statements);
      if (comment === undefined) continue;
      const rule = ruleCounterIn(counter);
      if (rule !== undefined)
        found.set(rule, { what: placeIn(comment), verdict: 'allow', packets: packetsOf(rule, counters) });
      else if (counter?.startsWith('would-deny-') === true)
        found.set(counter, { what: comment, verdict: 'deny', packets: counters.get(counter) ?? 0 });
      else if (dropped !== undefined && comment.includes(' isolated by '))
        found.set(dropped, { what: comment, verdict: 'deny', packets: counters.get(dropped) ?? 0 });
    }
  }
  return found;
}

/** The counter of a rule that allows, also from that of what it would allow if it were no dry run. */
const ruleCounterIn = (counter: string | undefined): string | undefined =>
  counter === undefined
    ? undefined
    : /^(?:rule|would-allow)-/.test(counter)
      ? counter.replace('would-allow-', 'rule-')
      : undefined;

const packetsOf = (rule: string, counters: ReadonlyMap<string, number>): number =>
  (counters.get(rule) ?? 0) + (counters.get(rule.replace('rule-', 'would-allow-')) ?? 0);

const counterIn = (statements: readonly Statement[]): string | undefined =>
  statements.flatMap((statement) => ('counter' in statement ? [statement.counter] : []))[0];

/** Without whom it is from, and the ports. */
const placeIn = (comment: string): string => /^\S+ (?:in|e)gress\[\d+\]/.exec(comment)?.[0] ?? comment;
