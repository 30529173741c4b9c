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
import { denialChain } from './denial-chains.js';
import type { IsolationSpec, KeyedIsolation } from './isolation-spec.js';
import { loggedCounter, type AuditRules } from './log-rules.js';
import { peerMapRules, peerMaps, type PeerMap } from './peer-maps.js';
import { dryRunChain, notIsolatedTarget } from './report-chains.js';
import type { ListForm, ListUse } from './rule-lists.js';

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

/** An isolation's chain and what it goes to: the chains of rule lists, or of single rules by way of peer maps. */
export interface IsolationForm {
  readonly chain: Chain;
  readonly targets: readonly Chain[];
  /** Beside those of the rules. */
  readonly counters: readonly string[];
  readonly maps: readonly PeerMap[];
}

interface FormOptions {
  readonly formOf: (id: RuleListId, use: ListUse) => ListForm;
  /** With more rule lists than this, those that name pods only become peer maps. */
  readonly inlineLists: number;
}

/** Jumps to every rule list, then to what a dry run would allow; the rest is denied, or would be. */
export function isolationForm({ key, spec }: KeyedIsolation, { formOf, inlineLists }: FormOptions): IsolationForm {
  const { direction, kind, isolation, dryRunAllows } = spec;
  const withRules = (ids: readonly RuleListId[], use: ListUse): ListForm[] =>
    ids.map((id) => formOf(id, use)).filter(({ chain }) => chain.rules.length > 0);
  const lists = withRules(isolation.allowedBy, kind === 'enforced' ? 'enforced' : 'dry-run');
  const mapped = lists.length > inlineLists ? lists.filter(({ entries }) => entries !== undefined) : [];
  // Reports come back to be denied, so they are jumped to and never are in a map.
  const jumped = [...lists.filter((list) => !mapped.includes(list)), ...withRules(dryRunAllows, 'dry-run-only')];
  const entries = mapped.flatMap((list) => list.entries ?? []);
  const title = titleOf(spec);
  const maps = peerMaps(key, entries);
  const rules = [
    ...maps.flatMap((map) => peerMapRules(map, direction)),
    ...jumped.map(({ chain }) => ({ statements: [x.jump(chain.name)] })),
    { statements: [x.goto(endName(spec))], comment: title },
  ];
  const content = hashOf(key, JSON.stringify(rules));
  const name = chains.nameOf({ kind: 'isolation', dryRun: kind === 'dryRun', direction, content });
  const entryChains = new Map(entries.map(({ chain }) => [chain.name, chain])).values();
  return {
    chain: { name, title, rules },
    targets: [
      ...jumped.map(({ chain }) => chain),
      ...entryChains,
      ...[...mapped, ...jumped].flatMap((list) => list.targets),
    ],
    counters: [...mapped, ...jumped].flatMap((list) => list.counters),
    maps,
  };
}
