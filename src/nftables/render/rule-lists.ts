/** A policy's rule list as one chain, shared by every endpoint that the policy selects. */
import type { RuleList } from '../../program/types.js';
import * as x from '../language/expressions.js';
import type { Chain, Statement } from '../language/types.js';
import { chains, type ChainMeaning, type SkeletonChain } from '../names/chains.js';
import { commentOf } from '../language/comment-text.js';
import { listTitle, ruleTitle } from '../names/comments.js';
import { counters } from '../names/counters.js';
import { hashOf } from '../names/hash.js';
import { ruleNamed } from '../names/policies.js';
import type { GroupSets } from './group-sets.js';
import type { AuditRules } from './log-rules.js';
import type { PeerMapEntry } from './peer-maps.js';
import { allowedChain, dryRunChain, notIsolatedTarget } from './report-chains.js';
import { formsOf, rulesOf, setsOf, type RuleForms, type RuleSets } from './rule-matches.js';

/**
 * What a list's rules do with a packet: `enforced` lets it through; `dry-run`, of a pod that nothing isolates, lets it go
 * on unreported; `dry-run-only` reports that only a dry run lets it through, and comes back.
 */
export type ListUse = Extract<ChainMeaning, { kind: 'rules' }>['use'];

/** A rule list as chains, for one use. */
export interface ListForm {
  readonly chain: Chain;
  /** Chains that its rules go to. */
  readonly targets: readonly Chain[];
  /** Of its targets. */
  readonly counters: readonly string[];
  /** The same rules for a verdict map by peer; undefined when a peer is no group of pods. */
  readonly entries: readonly PeerMapEntry[] | undefined;
}

export interface RenderedRuleList {
  readonly sets: RuleSets;
  readonly counters: readonly string[];
  form(use: ListUse): ListForm;
}

/** Where a packet goes that the stage of this direction allows. */
const afterAllowed = { ingress: 'allow', egress: 'ingress-after-egress' } as const satisfies Record<
  RuleList['direction'],
  SkeletonChain
>;

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
  if (use === 'dry-run-only') {
    const name = chains.nameOf({ kind: 'dry-run-allow', ...ruleNamed(list, rule) });
    const title = commentOf(`${ruleTitle(list, rule)} in dry run`);
    const end = dryRunChain({ name, direction, then: x.back, title }, audit);
    return { statements: [x.goto(name)], end, counter: name };
  }
  if (use === 'dry-run') return { statements: [counted, x.goto(notIsolatedTarget(direction, recorded !== undefined))] };
  const then = afterAllowed[direction];
  if (recorded === undefined) return { statements: [counted, x.goto(then)] };
  const name = chains.nameOf({ kind: 'allow', ...ruleNamed(list, rule) });
  const end = allowedChain({ name, by: ruleTitle(list, rule), direction, then }, recorded);
  return { statements: [counted, x.goto(end.name)], end };
}

const ruleCounter = (list: RuleList, rule: number): string =>
  counters.nameOf({ kind: 'rule', ...ruleNamed(list, rule) });

/** Chains' names cover all of their content, so a chain in the kernel never changes. */
export function renderRuleList(
  list: RuleList,
  groups: Pick<GroupSets, 'unionOf'>,
  audit?: AuditRules,
): RenderedRuleList {
  const forms = formsOf(list, (ids) => groups.unionOf(ids));
  return {
    sets: setsOf(forms),
    counters: [...new Set(list.rules.map(({ origin }) => ruleCounter(list, origin.rule)))],
    form: (use) => listForm(list, forms, { use, audit }),
  };
}

interface FormContext {
  readonly use: ListUse;
  readonly audit: AuditRules | undefined;
}

type RuleWithOutcome = RuleForms & { readonly outcome: Outcome };

function listForm(list: RuleList, forms: readonly RuleForms[], context: FormContext): ListForm {
  const { use, audit } = context;
  const withOutcomes = forms.map((rule) => ({ ...rule, outcome: outcomeOf(list, rule.rule, use, audit) }));
  const rules = withOutcomes.flatMap((rule) => rulesOf(list, rule, rule.outcome.statements));
  const { kind, namespace, name } = list.policy;
  const content = hashOf(kind, namespace, name, list.direction, JSON.stringify(rules));
  const targets = withOutcomes.flatMap(({ outcome: { end } }) => (end === undefined ? [] : [[end.name, end] as const]));
  return {
    chain: {
      name: chains.nameOf({
        kind: 'rules',
        use,
        direction: list.direction,
        readable: `${namespace}-${name}`,
        content,
      }),
      title: listTitle(list),
      rules,
    },
    targets: [...new Map(targets).values()],
    counters: [...new Set(withOutcomes.flatMap(({ outcome: { counter } }) => counter ?? []))],
    entries: entriesOf(list, withOutcomes, context),
  };
}

function entriesOf(
  list: RuleList,
  rules: readonly RuleWithOutcome[],
  { use, audit }: FormContext,
): readonly PeerMapEntry[] | undefined {
  const entries: PeerMapEntry[] = [];
  const recorded = list.logsAllowed === true && audit !== undefined;
  for (const { rule, peers, ports, outcome } of rules) {
    const title = ruleTitle(list, rule);
    const chain: Chain = {
      name: chains.nameOf({ kind: 'rule-hit', dryRun: use !== 'enforced', recorded, ...ruleNamed(list, rule) }),
      title,
      rules: [{ statements: outcome.statements, comment: commentOf(title) }],
    };
    for (const { pods } of peers) {
      if (pods === undefined) return undefined;
      for (const form of ports) entries.push({ ports: form, peer: pods.id, chain });
    }
  }
  return entries;
}
