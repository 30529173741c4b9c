/**
 * Isolation chains: one for every distinct set of policies, shared by the endpoints that it holds for. What is only in a
 * dry run is tried beside what is enforced, and told of where the two differ:
 *
 *   enforced   rule lists -> what a dry run would allow -> denial
 *   dry run    (nothing isolates the pod) rule lists -> what a dry run would deny -> as an open pod's packets go on
 */
import { policyKey, type Direction } from '../../model/policy.js';
import type { Endpoint, Isolated, RuleListId } from '../../program/types.js';
import { denialChain } from './denial-chains.js';
import { short } from '../names/directions.js';
import * as x from '../language/expressions.js';
import { loggedCounters, type AuditRules } from './log-rules.js';
import { commentOf, hashOf } from '../names/names.js';
import { peerMapRules, peerMaps, type PeerMap } from './peer-maps.js';
import { dryRunChain, openTarget } from './report-chains.js';
import type { ListForm, ListUse } from './rule-lists.js';
import type { Chain } from '../language/types.js';

/** How the packets of endpoints are judged in one direction. */
export interface Judgement {
  readonly direction: Direction;
  /** Enforced, or in a dry run only. */
  readonly kind: 'enforced' | 'dryRun';
  readonly isolation: Isolated;
  /** Rule lists in a dry run that would let through what is denied. */
  readonly wouldAllow: readonly RuleListId[];
  /** The endpoints' allowed flows are recorded. */
  readonly logsAllowed: boolean;
}

/** Undefined where neither what is enforced nor a dry run isolates. */
export function judgementOf(endpoint: Endpoint, direction: Direction): Judgement | undefined {
  const now = endpoint[direction];
  const dryRun = endpoint.dryRun?.[direction];
  const logsAllowed = endpoint.logsAllowed === true;
  if (now.kind === 'open')
    return dryRun && { direction, kind: 'dryRun', isolation: dryRun, wouldAllow: [], logsAllowed };
  const wouldAllow = dryRun?.allowedBy.filter((id) => !now.allowedBy.includes(id)) ?? [];
  return { direction, kind: 'enforced', isolation: now, wouldAllow, logsAllowed };
}

const policiesOf = (isolation: Isolated): string[] => isolation.by.map((ref) => `${ref.kind} ${policyKey(ref)}`);

/** Equal for endpoints that share a chain. */
export function judgementKey({ direction, kind, isolation, wouldAllow, logsAllowed }: Judgement): string {
  const parts = [direction, policiesOf(isolation), isolation.allowedBy];
  if (kind === 'dryRun') return JSON.stringify(['dry run', ...parts, logsAllowed]);
  return JSON.stringify(wouldAllow.length === 0 ? parts : [...parts, wouldAllow]);
}

const endName = (prefix: string, direction: Direction, isolation: Isolated): string =>
  `${prefix}-${short(direction)}-${hashOf(direction, ...policiesOf(isolation))}`;

/** Of the packets that these policies deny; the same policies keep it, whatever they come to allow. */
export const dropCounter = (direction: Direction, isolation: Isolated): string => endName('drop', direction, isolation);

export const denialName = (direction: Direction, isolation: Isolated): string => endName('deny', direction, isolation);

/** Of packets that a dry run would deny; its counter has the same name. */
const wouldDenyName = (direction: Direction, isolation: Isolated, logsAllowed: boolean): string =>
  `${endName('would-deny', direction, isolation)}${logsAllowed ? '-recorded' : ''}`;

/** Of pods whose allowed flows are not recorded, and of those whose are. */
export const wouldDenyNames = (direction: Direction, isolation: Isolated): readonly string[] =>
  [false, true].map((logsAllowed) => wouldDenyName(direction, isolation, logsAllowed));

export interface JudgementEnd {
  readonly chain: Chain;
  readonly counter: string;
}

/** Where packets end that no rule list allowed; shared by all judgements of the same policies. */
export function judgementEnd(judgement: Judgement, audit: AuditRules | undefined): JudgementEnd {
  const { direction, kind, isolation, logsAllowed } = judgement;
  if (kind === 'dryRun') {
    const name = endOf(judgement);
    const then = x.goto(openTarget(direction, logsAllowed && audit !== undefined));
    return { chain: dryRunChain({ name, direction, then, comment: commentFor(judgement) }, audit), counter: name };
  }
  const [name, counter] = [denialName(direction, isolation), dropCounter(direction, isolation)];
  const logged = loggedCounters[direction];
  const comment = commentFor(judgement);
  return { chain: denialChain({ name, dropped: counter, logged, judgedBy: 'flow', comment }, audit), counter };
}

const endOf = ({ direction, kind, isolation, logsAllowed }: Judgement): string =>
  kind === 'enforced' ? denialName(direction, isolation) : wouldDenyName(direction, isolation, logsAllowed);

const commentFor = ({ direction, kind, isolation }: Judgement): string => {
  const by = isolation.by.map(policyKey).join(', ');
  return commentOf(kind === 'enforced' ? `${direction} isolated by ${by}` : `${direction} dry run of ${by}`);
};

/** An isolation's chain and what it goes to: the chains of rule lists, or of single rules by way of peer maps. */
export interface IsolationForm {
  readonly chain: Chain;
  readonly targets: readonly Chain[];
  /** Beside those of the rules. */
  readonly counters: readonly string[];
  readonly maps: readonly PeerMap[];
}

export interface FormOptions {
  readonly formOf: (id: RuleListId, use: ListUse) => ListForm;
  /** With more rule lists than this, those that name pods only become peer maps. */
  readonly listsTried: number;
}

/** Tries every rule list, then what a dry run would allow; the rest is denied, or would be. */
export function isolationForm(judgement: Judgement, { formOf, listsTried }: FormOptions): IsolationForm {
  const { direction, kind, isolation, wouldAllow } = judgement;
  const withRules = (ids: readonly RuleListId[], use: ListUse): ListForm[] =>
    ids.map((id) => formOf(id, use)).filter(({ chain }) => chain.rules.length > 0);
  const lists = withRules(isolation.allowedBy, kind === 'enforced' ? 'enforced' : 'dryRun');
  const mapped = lists.length > listsTried ? lists.filter(({ hits }) => hits !== undefined) : [];
  // Reports come back to be denied, so they are jumped to and never stand in a map.
  const tried = [...lists.filter((list) => !mapped.includes(list)), ...withRules(wouldAllow, 'wouldAllow')];
  const hits = mapped.flatMap((list) => list.hits ?? []);
  const key = judgementKey(judgement);
  const maps = peerMaps(key, hits);
  const rules = [
    ...maps.flatMap((map) => peerMapRules(map, direction)),
    ...tried.map(({ chain }) => ({ statements: [x.jump(chain.name)] })),
    { statements: [x.goto(endOf(judgement))], comment: commentFor(judgement) },
  ];
  const name = `${kind === 'enforced' ? 'iso' : 'dry'}-${short(direction)}-${hashOf(key, JSON.stringify(rules))}`;
  const hitChains = new Map(hits.map((hit) => [hit.chain.name, hit.chain])).values();
  return {
    chain: { name, rules },
    targets: [...tried.map(({ chain }) => chain), ...hitChains, ...[...mapped, ...tried].flatMap(({ ends }) => ends)],
    counters: [...mapped, ...tried].flatMap(({ counters }) => counters),
    maps,
  };
}
