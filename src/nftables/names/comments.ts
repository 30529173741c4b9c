/** Comments of rules: whose they are, in words of the user's own. */
import { policyKey, type Direction } from '../../model/policy.js';
import type { Isolated, RuleList } from '../../program/types.js';

/** nft refuses the whole transaction for a comment beyond 128 bytes. */
const longestComment = 120;

/** The one place where comments are made to fit; quotes and line ends cannot stand in nft's text. */
export function commentOf(text: string): string {
  const plain = text.replace(/"/g, "'").replace(/[\u0000-\u001f\u007f\\]/g, ' ');
  if (Buffer.byteLength(plain) <= longestComment) return plain;
  let kept = '';
  let bytes = 3;
  for (const character of plain) {
    bytes += Buffer.byteLength(character);
    if (bytes > longestComment) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Where a rule stands: `shop/allow-web ingress[0]`. */
export const ruleTitle = ({ policy, direction }: Pick<RuleList, 'policy' | 'direction'>, rule: number): string =>
  `${policyKey(policy)} ${direction}[${rule}]`;

/** The title that a rule's comment begins with; the comment itself where it begins with none. */
export const ruleTitleIn = (comment: string): string => /^\S+ (?:in|e)gress\[\d+\]/.exec(comment)?.[0] ?? comment;

export function isolationTitle(direction: Direction, { by }: Isolated, isDryRun: boolean): string {
  const policies = by.map(policyKey).join(', ');
  return commentOf(isDryRun ? `${direction} dry run of ${policies}` : `${direction} isolated by ${policies}`);
}
