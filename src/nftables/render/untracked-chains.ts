/**
 * The same policies for packets that nobody tracks: no flow says who the client is, so that a packet is read by its header,
 * once as if its sender asked and once as if it answered. Rules stand in one chain, and the first that matches decides: what
 * is not allowed in this direction or in the next goes back to `untracked`, which reads it the other way, or denies it.
 */
import type { Direction } from '../../model/policy.js';
import type { RuleListId } from '../../program/types.js';
import * as x from '../language/expressions.js';
import { commentOf } from '../language/comment-text.js';
import type { Chain } from '../language/types.js';
import { chains, type SkeletonChain } from '../names/chains.js';
import { isolationTitle } from '../names/comments.js';
import { hashOf } from '../names/hash.js';
import type { IsolationSpec } from './isolation-spec.js';
import type { RenderedRuleList } from './rule-lists.js';
import { matchesOf } from './rule-matches.js';

const afterAllowed: Readonly<Record<x.HeaderReading, Readonly<Record<Direction, SkeletonChain>>>> = {
  flow: { egress: 'untracked-flow-ingress', ingress: 'untracked-allow' },
  answer: { egress: 'untracked-answer-ingress', ingress: 'untracked-allow' },
};

const readAs: Readonly<Record<x.HeaderReading, string>> = {
  flow: 'untracked, as a flow',
  answer: 'untracked, as an answer',
};

export function untrackedChain(
  { direction, isolation }: IsolationSpec,
  as: x.HeaderReading,
  ruleList: (id: RuleListId) => RenderedRuleList,
): Chain {
  const then = x.goto(afterAllowed[as][direction]);
  const rules = isolation.allowedBy.map(ruleList).flatMap((list) =>
    list.entries('enforced').flatMap(({ peer, ports, verdict, comment }) => {
      const counted = verdict.filter((statement) => 'counter' in statement);
      return matchesOf(peer, ports, x.byHeaderAs[as]).map((match) => ({
        statements: [...match, ...counted, then],
        comment,
      }));
    }),
  );
  const title = commentOf(`${readAs[as]}: ${isolationTitle(direction, isolation, false)}`);
  const back = { statements: [x.back], comment: title };
  const content = hashOf(title, JSON.stringify([...rules, back]));
  return {
    name: chains.nameOf({ kind: 'untracked-isolation', as, direction, content }),
    title,
    rules: [...rules, back],
  };
}
