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

/** What {@link isolationTitle} says; undefined for any other comment. */
export function isolationIn(comment: string):
  | {
      /** As the title has it, before the policies: `ingress isolated by`. */
      readonly how: string;
      /** `namespace/name`, in the order of their names. */
      readonly policies: readonly string[];
      /** The comment had no room for all of them. */
      readonly isCut: boolean;
    }
  | undefined {
  const [, how, list = ''] = /^((?:in|e)gress (?:isolated by|dry run of)) (.+)$/.exec(comment) ?? [];
  if (how === undefined) return undefined;
  const policies = list.split(', ');
  const isCut = list.endsWith('…');
  // The last one may be the beginning of a name.
  return { how, policies: isCut ? policies.slice(0, -1) : policies, isCut };
}
