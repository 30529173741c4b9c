/** Isolation chains: one for every distinct set of policies, shared by the endpoints that it holds for. */
import { policyKey, type Direction } from '../model/policy.js';
import type { Isolation, RuleListId } from '../program/types.js';
import { denialChain, loggedCounters, type AuditRules } from './denials.js';
import * as x from './expressions.js';
import { commentOf, hashOf } from './names.js';
import { peerMapRules, peerMaps, type PeerMap } from './peer-maps.js';
import { short, type RenderedRuleList } from './rule-lists.js';
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

/** An isolation's chain and what it goes to: the chains of rule lists, or of single rules by way of peer maps. */
export interface IsolationForm {
  readonly chain: Chain;
  readonly targets: readonly Chain[];
  readonly maps: readonly PeerMap[];
}

/** Tries every rule list, then denies. With more than `listsTried`, those that name pods only become peer maps. */
export function isolationForm(
  direction: Direction,
  isolation: Isolated,
  { listOf, listsTried }: { listOf: (id: RuleListId) => RenderedRuleList; listsTried: number },
): IsolationForm {
  const lists = isolation.allowedBy.map(listOf).filter(({ chain }) => chain.rules.length > 0);
  const mapped = lists.length > listsTried ? lists.filter(({ hits }) => hits !== undefined) : [];
  const tried = lists.filter((list) => !mapped.includes(list)).map(({ chain }) => chain);
  const hits = mapped.flatMap((list) => list.hits ?? []);
  const key = isolationKey(direction, isolation);
  const maps = peerMaps(key, hits);
  const rules = [
    ...maps.flatMap((map) => peerMapRules(map, direction)),
    ...tried.map(({ name }) => ({ statements: [x.jump(name)] })),
    { statements: [x.goto(denialName(direction, isolation))], comment: commentFor(direction, isolation) },
  ];
  const chain = { name: `iso-${short(direction)}-${hashOf(key, JSON.stringify(rules))}`, rules };
  return { chain, targets: [...tried, ...new Map(hits.map((hit) => [hit.chain.name, hit.chain])).values()], maps };
}
