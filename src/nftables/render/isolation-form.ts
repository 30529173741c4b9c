/**
 * Isolation chains: one for every distinct set of policies, shared by the endpoints that it holds for. What is only in a
 * dry run is evaluated beside what is enforced, and reported where the two differ:
 *
 *   enforced   rule lists -> what a dry run would allow -> denial
 *   dry run    (nothing isolates the pod) rule lists -> what a dry run would deny -> as packets of no isolated pod go on
 */
import type { RuleListId } from '../../program/types.js';
import * as x from '../language/expressions.js';
import type { Chain } from '../language/types.js';
import { chains } from '../names/chains.js';
import { isolationTitle } from '../names/comments.js';
import { counters } from '../names/counters.js';
import { hashOf } from '../names/hash.js';
import { policiesNamed } from '../names/policies.js';
import type { ChainNode } from './chain-trees.js';
import { denialChain } from './denial-chains.js';
import type { IsolationSpec, KeyedIsolation } from './isolation-spec.js';
import { loggedCounter, type AuditRules } from './log-rules.js';
import { dryRunChain, notIsolatedTarget } from './report-chains.js';
import type { ListUse, RenderedRuleList } from './rule-lists.js';
import { rulesByPorts, type RulePart, type SearchContext } from './rules-by-ports.js';

const titleOf = ({ direction, kind, isolation }: IsolationSpec): string =>
  isolationTitle(direction, isolation, kind === 'dryRun');

export interface IsolationEnd {
  readonly chain: Chain;
  readonly counter: string;
}

/** Where packets end that no rule list allowed; shared by all isolations of the same policies. */
export function isolationEnd(spec: IsolationSpec, audit: AuditRules | undefined): IsolationEnd {
  const { direction, kind, isolation, logsAllowed } = spec;
  const name = endName(spec);
  const title = titleOf(spec);
  if (kind === 'dryRun') {
    const then = x.goto(notIsolatedTarget(direction, logsAllowed && audit !== undefined));
    return { chain: dryRunChain({ name, direction, then, title }, audit), counter: name };
  }
  const dropped = counters.nameOf({ kind: 'drop', ...policiesNamed(direction, isolation.by) });
  const logged = loggedCounter(direction);
  return {
    chain: denialChain({ name, title, dropped, logged, evaluatedBy: 'flow', comment: title }, audit),
    counter: dropped,
  };
}

function endName({ direction, kind, isolation, logsAllowed }: IsolationSpec): string {
  const named = policiesNamed(direction, isolation.by);
  return chains.nameOf(
    kind === 'enforced' ? { kind: 'deny', ...named } : { kind: 'dry-run-deny', ...named, recorded: logsAllowed },
  );
}

interface FormOptions extends Omit<SearchContext, 'direction'> {
  readonly ruleList: (id: RuleListId) => RenderedRuleList;
  /** With more rule lists than this they are not jumped to one after another, but their rules put together. */
  readonly inlineLists: number;
}

/** Jumps to every rule list, or has all their rules; then to what a dry run would allow; the rest is denied, or would be. */
export function isolationForm({ key, spec }: KeyedIsolation, options: FormOptions): ChainNode {
  const { direction, kind, isolation, dryRunAllows } = spec;
  const { ruleList, inlineLists, ...search } = options;
  const use = kind === 'enforced' ? 'enforced' : 'dry-run';
  const lists = isolation.allowedBy.map(ruleList).filter((list) => list.entries(use).length > 0);
  const jumpTo = (list: RenderedRuleList, as: ListUse): Omit<RulePart, 'content'> => {
    const node = list.chain(as);
    const { name } = node.chain;
    return { rules: [{ statements: [x.jump(name)] }], targets: [node] };
  };
  const parts = [
    ...(lists.length > inlineLists
      ? rulesByPorts(
          lists.flatMap((list) => list.entries(use)),
          { direction, ...search },
        )
      : lists.map((list) => jumpTo(list, use))),
    // Reports come back to be denied.
    ...dryRunAllows
      .map(ruleList)
      .filter((list) => list.entries('dry-run-only').length > 0)
      .map((list) => jumpTo(list, 'dry-run-only')),
  ];
  const title = titleOf(spec);
  const end = endName(spec);
  const rules = [...parts.flatMap((part) => part.rules), { statements: [x.goto(end)], comment: title }];
  const content = hashOf(key, JSON.stringify(rules));
  return {
    chain: {
      name: chains.nameOf({ kind: 'isolation', dryRun: kind === 'dryRun', direction, content }),
      title,
      rules,
    },
    targets: parts.flatMap(({ targets }) => targets),
    bucketed: parts.flatMap(({ bucketed }) => bucketed ?? []),
  };
}
