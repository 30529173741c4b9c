/** A policy's rule list as one chain, shared by every endpoint that the policy selects. */
import type { RuleList } from '../../program/types.js';
import { afterAllowed, short } from '../names/directions.js';
import * as x from '../language/expressions.js';
import type { AuditRules } from './log-rules.js';
import { commentOf, hashOf, nameWithHash } from '../names/names.js';
import type { Hit } from './peer-maps.js';
import { allowedChain, dryRunChain, openTarget } from './report-chains.js';
import { matchesOf, rulesOf, whereOf, type GroupLookup, type Match } from './rule-matches.js';
import type { Chain, NftSet, Statement } from '../language/types.js';

/**
 * What a list's rules do with a packet: `enforced` lets it through; `dryRun`, of a pod that nothing isolates, lets it go
 * on unreported; `wouldAllow` tells that only a dry run lets it through, and comes back.
 */
export type ListUse = 'enforced' | 'dryRun' | 'wouldAllow';

/** A rule list as chains, for one use. */
export interface ListForm {
  readonly chain: Chain;
  /** Chains that its rules go to. */
  readonly ends: readonly Chain[];
  /** Of its ends. */
  readonly counters: readonly string[];
  /** The same rules for a verdict map by peer; undefined when a peer is no group of pods. */
  readonly hits: readonly Hit[] | undefined;
}

export interface RenderedRuleList {
  readonly portSets: readonly NftSet[];
  readonly counters: readonly string[];
  form(use: ListUse): ListForm;
}

/** What happens to a packet that a rule allows, and the chains that this takes. */
interface Outcome {
  readonly statements: readonly Statement[];
  readonly end?: Chain;
  readonly counter?: string;
}

function outcomeOf(list: RuleList, rule: number, use: ListUse, audit: AuditRules | undefined): Outcome {
  const { direction } = list;
  const counted = x.count(ruleCounter(list, rule));
  const recorded = list.logsAllowed === true ? audit : undefined;
  if (use === 'wouldAllow') {
    const name = wouldAllowName(list, rule);
    const comment = commentOf(`${whereOf(list, rule)} in dry run`);
    const end = dryRunChain({ name, direction, then: x.back, comment }, audit);
    return { statements: [x.goto(name)], end, counter: name };
  }
  if (use === 'dryRun') return { statements: [counted, x.goto(openTarget(direction, recorded !== undefined))] };
  const then = afterAllowed[direction];
  if (recorded === undefined) return { statements: [counted, x.goto(then)] };
  const end = allowedChain({ name: allowedName(list, rule), direction, then }, recorded);
  return { statements: [counted, x.goto(end.name)], end };
}

type Listed = Pick<RuleList, 'policy' | 'direction'>;

/** Named by where the rule stands in the YAML, so that its counts survive every regeneration. */
export const ruleCounter = (list: Listed, rule: number): string => {
  const { kind, namespace, name } = list.policy;
  const readable = `rule-${short(list.direction)}-${namespace}-${name}`;
  return nameWithHash(readable, `${rule}-${hashOf(kind, namespace, name, list.direction)}`);
};

/** What its counter is called after `rule-`. */
const ruleName = (list: Listed, rule: number): string => ruleCounter(list, rule).slice('rule-'.length);

/** Where the first packets go of flows that the rule allows, to be recorded. */
export const allowedName = (list: Listed, rule: number): string => `allow-${ruleName(list, rule)}`;

/** Where packets go that the rule would allow if it were no dry run; the counter has the same name. */
export const wouldAllowName = (list: Listed, rule: number): string => `would-allow-${ruleName(list, rule)}`;

/** Chains' names cover all of their content, so a chain in the kernel never changes. */
export function renderRuleList(list: RuleList, groups: GroupLookup, audit?: AuditRules): RenderedRuleList {
  const { matches, portSets } = matchesOf(list.rules, groups);
  return {
    portSets,
    counters: [...new Set(list.rules.map(({ origin }) => ruleCounter(list, origin.rule)))],
    form: (use) => formOf(list, matches, { use, groups, audit }),
  };
}

interface FormContext {
  readonly use: ListUse;
  readonly groups: GroupLookup;
  readonly audit: AuditRules | undefined;
}

type Judged = Match & { readonly outcome: Outcome };

const chainPrefix = { enforced: '', dryRun: 'dry-', wouldAllow: 'tried-' } as const;

function formOf(list: RuleList, matches: readonly Match[], context: FormContext): ListForm {
  const { use, groups, audit } = context;
  const judged = matches.map((match) => ({ ...match, outcome: outcomeOf(list, match.rule, use, audit) }));
  const rules = judged.flatMap((match) => rulesOf(list, match, { verdict: match.outcome.statements, groups }));
  const { kind, namespace, name } = list.policy;
  const hash = hashOf(kind, namespace, name, list.direction, JSON.stringify(rules));
  const readable = `${chainPrefix[use]}${short(list.direction)}-${namespace}-${name}`;
  const ends = judged.flatMap(({ outcome: { end } }) => (end === undefined ? [] : [[end.name, end] as const]));
  const counters = judged.flatMap(({ outcome: { counter } }) => counter ?? []);
  return {
    chain: { name: nameWithHash(readable, hash), rules },
    ends: [...new Map(ends).values()],
    counters: [...new Set(counters)],
    hits: hitsOf(list, judged, context),
  };
}

function hitsOf(
  list: RuleList,
  judged: readonly Judged[],
  { use, groups, audit }: FormContext,
): readonly Hit[] | undefined {
  const hits: Hit[] = [];
  const recorded = list.logsAllowed === true && audit !== undefined;
  const prefix = `hit-${use === 'enforced' ? '' : 'dry-'}${recorded ? 'rec-' : ''}`;
  for (const { rule, peer, forms, outcome } of judged) {
    if (peer.kind === 'anyone' || groups(peer.of).kind !== 'pods') return undefined;
    const chain: Chain = {
      name: `${prefix}${ruleName(list, rule)}`,
      rules: [{ statements: outcome.statements, comment: commentOf(whereOf(list, rule)) }],
    };
    for (const ports of forms) hits.push({ ports, peer: peer.of, chain });
  }
  return hits;
}
