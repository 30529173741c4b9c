/** Isolation chains: one for every distinct set of policies, shared by the endpoints that it holds for. */
import { policyKey, type Direction } from '../model/policy.js';
import type { Isolation, RuleListId } from '../program/types.js';
import { denialChain, loggedCounters, type AuditRules } from './denials.js';
import * as x from './expressions.js';
import { commentOf, hashOf } from './names.js';
import { short } from './rule-lists.js';
import type { Chain } from './types.js';

export type Isolated = Extract<Isolation, { kind: 'isolated' }>;

const policiesOf = (isolation: Isolated): string[] => isolation.by.map((ref) => `${ref.kind} ${policyKey(ref)}`);

/** Equal for endpoints that share a chain. */
export const isolationKey = (direction: Direction, isolation: Isolated): string =>
  JSON.stringify([direction, policiesOf(isolation), isolation.allowedBy]);

const denialHash = (direction: Direction, isolation: Isolated): string => hashOf(direction, ...policiesOf(isolation));

/** Of the packets that these policies deny; the same policies keep it, whatever they come to allow. */
export const dropCounter = (direction: Direction, isolation: Isolated): string =>
  `drop-${short(direction)}-${denialHash(direction, isolation)}`;

export const denialName = (direction: Direction, isolation: Isolated): string =>
  `deny-${short(direction)}-${denialHash(direction, isolation)}`;

/** Where packets end that no rule list allowed; shared by all isolations that the same policies make. */
export const isolationDenial = (direction: Direction, isolation: Isolated, audit: AuditRules | undefined): Chain =>
  denialChain(
    {
      name: denialName(direction, isolation),
      dropped: dropCounter(direction, isolation),
      logged: loggedCounters[direction],
      judgedBy: 'flow',
      comment: commentFor(direction, isolation),
    },
    audit,
  );

const commentFor = (direction: Direction, isolation: Isolated): string =>
  commentOf(`${direction} isolated by ${isolation.by.map(policyKey).join(', ')}`);

/** Tries every rule list, then denies. */
export function isolationChain(direction: Direction, isolation: Isolated, chainOf: (id: RuleListId) => Chain): Chain {
  const lists = isolation.allowedBy.map(chainOf).filter((chain) => chain.rules.length > 0);
  const rules = [
    ...lists.map((chain) => ({ statements: [x.jump(chain.name)] })),
    { statements: [x.goto(denialName(direction, isolation))], comment: commentFor(direction, isolation) },
  ];
  const hash = hashOf(isolationKey(direction, isolation), JSON.stringify(rules));
  return { name: `iso-${short(direction)}-${hash}`, rules };
}
