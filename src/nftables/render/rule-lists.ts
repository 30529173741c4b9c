/** A policy's rule list as one chain, shared by every endpoint that the policy selects. */
import type { Family } from '../../model/address.js';
import type { RuleList } from '../../program/types.js';
import * as x from '../language/expressions.js';
import type { Statement } from '../language/types.js';
import { chains, type ChainMeaning, type SkeletonChain } from '../names/chains.js';
import { commentOf } from '../language/comment-text.js';
import { listTitle, ruleTitle } from '../names/comments.js';
import { counters } from '../names/counters.js';
import { hashOf } from '../names/hash.js';
import { ruleNamed } from '../names/policies.js';
import type { GroupSets } from './group-sets.js';
import type { ChainNode } from './chain-trees.js';
import type { AuditRules } from './log-rules.js';
import type { RuleEntry } from './rules-by-ports.js';
import { allowedChain, dryRunChain, notIsolatedTarget } from './report-chains.js';
import { formsOf, ruleComment, rulesOf, setsOf, type RuleForms, type RuleSets } from './rule-matches.js';

/**
 * What a list's rules do with a packet: `enforced` lets it through; `dry-run`, of a pod that nothing isolates, lets it go
 * on unreported; `dry-run-only` reports that only a dry run lets it through, and comes back.
 */
export type ListUse = Extract<ChainMeaning, { kind: 'rules' }>['use'];

export interface RenderedRuleList {
  readonly sets: RuleSets;
  readonly counters: readonly string[];
  /** All rules as one chain. */
  chain(use: ListUse): ChainNode;
  /** The same rules, each way to match one by itself. */
  entries(use: ListUse): readonly RuleEntry[];
}

/** Where a packet goes that the stage of this direction allows. */
const afterAllowed = { ingress: 'allow', egress: 'ingress-after-egress' } as const satisfies Record<
  RuleList['direction'],
  SkeletonChain
>;

/** What happens to a packet that a rule allows, and the chains that this takes. */
interface Outcome {
  readonly statements: readonly Statement[];
  readonly end?: ChainNode;
}

function outcomeOf(list: RuleList, rule: number, use: ListUse, audit: AuditRules | undefined): Outcome {
  const { direction } = list;
  const counted = x.count(ruleCounter(list, rule));
  const recorded = list.logsAllowed === true ? audit : undefined;
  if (use === 'dry-run-only') {
    const name = chains.nameOf({ kind: 'dry-run-allow', ...ruleNamed(list, rule) });
    const title = commentOf(`${ruleTitle(list, rule)} in dry run`);
    const end = dryRunChain({ name, direction, then: x.back, title }, audit);
    return { statements: [x.goto(name)], end: { chain: end, targets: [], counters: [name] } };
  }
  if (use === 'dry-run') return { statements: [counted, x.goto(notIsolatedTarget(direction, recorded !== undefined))] };
  const then = afterAllowed[direction];
  if (recorded === undefined) return { statements: [counted, x.goto(then)] };
  const name = chains.nameOf({ kind: 'allow', ...ruleNamed(list, rule) });
  const end = allowedChain({ name, by: ruleTitle(list, rule), direction, then }, recorded);
  return { statements: [counted, x.goto(end.name)], end: { chain: end, targets: [] } };
}

const ruleCounter = (list: RuleList, rule: number): string =>
  counters.nameOf({ kind: 'rule', ...ruleNamed(list, rule) });

interface ListContext {
  readonly groups: Pick<GroupSets, 'unionOf'>;
  /** That packets may have which come here. */
  readonly families: readonly Family[];
  readonly audit: AuditRules | undefined;
}

/** Chains' names cover all of their content, so a chain in the kernel never changes. */
export function renderRuleList(list: RuleList, { groups, families, audit }: ListContext): RenderedRuleList {
  const forms = formsOf(list, families, (ids) => groups.unionOf(ids));
  const withOutcomes = memoized((use: ListUse): readonly RuleWithOutcome[] =>
    forms.map((rule) => ({ ...rule, outcome: outcomeOf(list, rule.rule, use, audit) })),
  );
  return {
    sets: setsOf(forms),
    counters: [...new Set(list.rules.map(({ origin }) => ruleCounter(list, origin.rule)))],
    chain: memoized((use) => chainOf(list, withOutcomes(use), use)),
    entries: memoized((use) => entriesOf(list, withOutcomes(use))),
  };
}

/** Worked out once for every use: many isolations ask again and again. */
function memoized<T>(of: (use: ListUse) => T): (use: ListUse) => T {
  const known = new Map<ListUse, T>();
  return (use) => {
    const value = known.get(use) ?? of(use);
    known.set(use, value);
    return value;
  };
}

type RuleWithOutcome = RuleForms & { readonly outcome: Outcome };

function chainOf(list: RuleList, withOutcomes: readonly RuleWithOutcome[], use: ListUse): ChainNode {
  const rules = withOutcomes.flatMap((rule) => rulesOf(list, rule, rule.outcome.statements));
  const { kind, namespace, name } = list.policy;
  const content = hashOf(kind, namespace, name, list.direction, JSON.stringify(rules));
  const meaning = { kind: 'rules', use, direction: list.direction, readable: `${namespace}-${name}`, content } as const;
  const targets = withOutcomes.flatMap(({ outcome: { end } }) =>
    end === undefined ? [] : [[end.chain.name, end] as const],
  );
  return {
    chain: { name: chains.nameOf(meaning), title: listTitle(list), rules },
    targets: [...new Map(targets).values()],
  };
}

const entriesOf = (list: RuleList, rules: readonly RuleWithOutcome[]): readonly RuleEntry[] =>
  rules.flatMap(({ rule, peers, ports: forms, outcome }) => {
    const verdict = outcome.statements;
    const text = JSON.stringify(verdict);
    return peers.flatMap((peer) =>
      forms.map((ports): RuleEntry => {
        const comment = ruleComment(list, rule, peer);
        const content = hashOf(peer.key, peer.families.join(' '), text, comment);
        const target = outcome.end;
        return { content, peer, ports, verdict, comment, ...(target === undefined ? {} : { target }) };
      }),
    );
  });
