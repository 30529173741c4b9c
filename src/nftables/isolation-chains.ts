/** Isolation chains: one for every distinct set of policies, shared by the endpoints that it holds for. */
import { policyKey, type Direction } from '../model/policy.js';
import type { Isolation, RuleListId } from '../program/types.js';
import * as x from './expressions.js';
import { commentOf, hashOf } from './names.js';
import { short } from './rule-lists.js';
import type { Chain } from './types.js';

export type Isolated = Extract<Isolation, { kind: 'isolated' }>;

const policiesOf = (isolation: Isolated): string[] => isolation.by.map((ref) => `${ref.kind} ${policyKey(ref)}`);

/** Equal for endpoints that share a chain. */
export const isolationKey = (direction: Direction, isolation: Isolated): string =>
  JSON.stringify([direction, policiesOf(isolation), isolation.allowedBy]);

/** Counts what is dropped; the same policies keep the counter, whatever they come to allow. */
export const dropCounter = (direction: Direction, isolation: Isolated): string =>
  `drop-${short(direction)}-${hashOf(direction, ...policiesOf(isolation))}`;

/** Tries every rule list, then drops. */
export function isolationChain(direction: Direction, isolation: Isolated, chainOf: (id: RuleListId) => Chain): Chain {
  const lists = isolation.allowedBy.map(chainOf).filter((chain) => chain.rules.length > 0);
  const names = isolation.by.map(policyKey).join(', ');
  const rules = [
    ...lists.map((chain) => ({ statements: [x.jump(chain.name)] })),
    {
      statements: [x.count(dropCounter(direction, isolation)), x.drop],
      comment: commentOf(`${direction} isolated by ${names}`),
    },
  ];
  const hash = hashOf(isolationKey(direction, isolation), JSON.stringify(rules));
  return { name: `iso-${short(direction)}-${hash}`, rules };
}
