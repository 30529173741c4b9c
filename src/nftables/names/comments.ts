/** Comments of rules: whose they are, in words of the user's own. */
import { policyKey, type Direction } from '../../model/policy.js';
import type { Isolated, RuleList } from '../../program/types.js';
import { printOrigin } from '../../program/print.js';
import { commentOf } from '../language/comment-text.js';

/** Whose rules a chain holds: `shop/allow-web ingress`. */
export const listTitle = ({ policy, direction }: Pick<RuleList, 'policy' | 'direction'>): string =>
  `${policyKey(policy)} ${direction}`;

/** Where a rule stands: `shop/allow-web ingress[0]`. */
export const ruleTitle = ({ policy, direction }: Pick<RuleList, 'policy' | 'direction'>, rule: number): string =>
  printOrigin({ policy, direction, rule });

/** The title that a rule's comment begins with; the comment itself where it begins with none. */
export const ruleTitleIn = (comment: string): string => /^\S+ (?:in|e)gress\[\d+\]/.exec(comment)?.[0] ?? comment;

export function isolationTitle(direction: Direction, { by }: Isolated, isDryRun: boolean): string {
  const policies = by.map(policyKey).join(', ');
  return commentOf(isDryRun ? `${direction} dry run of ${policies}` : `${direction} isolated by ${policies}`);
}
