/** Which policies a named counter is about, so that its packets are counted by policy. */
import { directions, policyKey, type Direction } from '../../model/policy.js';
import type { SkeletonDrop } from '../../program/drop-reasons.js';
import type { Endpoint, PolicyProgram, RuleList } from '../../program/types.js';
import { isolationSpecOf } from './isolation-spec.js';
import { counters } from '../names/counters.js';
import { policiesNamed, ruleNamed } from '../names/policies.js';
import { todaysName } from '../names/retired.js';

export interface PolicyCounter {
  /** `dryRun…`: what a dry run would have done. */
  readonly verdict: 'allow' | 'deny' | 'dryRunAllow' | 'dryRunDeny';
  readonly direction: Direction;
  /** `namespace/name`: of the rule that allows, or of all that isolate. */
  readonly policies: readonly string[];
}

type NamedCounter = readonly [name: string, counter: PolicyCounter];

/** By the counter's name. What the verdict cache lets through is not counted again. */
export function policyCounters(program: PolicyProgram): ReadonlyMap<string, PolicyCounter> {
  const found = new Map<string, PolicyCounter>();
  for (const list of program.ruleLists.values())
    for (const [name, counter] of countersOfRuleList(list)) found.set(name, counter);
  for (const endpoint of program.endpoints.values())
    for (const [name, counter] of countersOfEndpoint(endpoint)) found.set(name, counter);
  return found;
}

export function* countersOfRuleList(list: RuleList): Generator<NamedCounter> {
  for (const { origin } of list.rules) {
    const by = { direction: list.direction, policies: [policyKey(list.policy)] };
    const named = ruleNamed(list, origin.rule);
    yield [counters.nameOf({ kind: 'rule', ...named }), { ...by, verdict: 'allow' }];
    yield [counters.nameOf({ kind: 'dry-run-allow', ...named }), { ...by, verdict: 'dryRunAllow' }];
  }
}

export function* countersOfEndpoint(endpoint: Endpoint): Generator<NamedCounter> {
  for (const direction of directions) {
    const spec = isolationSpecOf(endpoint, direction);
    if (spec === undefined) continue;
    const { kind, isolation } = spec;
    const named = policiesNamed(direction, isolation.by);
    const by = { direction, policies: isolation.by.map(policyKey) };
    if (kind === 'enforced') yield [counters.nameOf({ kind: 'drop', ...named }), { ...by, verdict: 'deny' }];
    else
      for (const recorded of [false, true])
        yield [counters.nameOf({ kind: 'dry-run-deny', ...named, recorded }), { ...by, verdict: 'dryRunDeny' }];
  }
}

/** Of packets that are dropped for a reason that is no policy's. */
export const skeletonDropCounter = (reason: SkeletonDrop): string => counters.nameOf({ kind: 'skeleton-drop', reason });

/** What the name alone says of a counter of policies that nobody knows any more; undefined for any other counter. */
export function unknownPolicyCounter(name: string): Omit<PolicyCounter, 'policies'> | undefined {
  const meaning = counters.meaningOf(todaysName(name));
  switch (meaning?.kind) {
    case 'drop':
      return { verdict: 'deny', direction: meaning.direction };
    case 'rule':
      return { verdict: 'allow', direction: meaning.direction };
    case 'dry-run-deny':
      return { verdict: 'dryRunDeny', direction: meaning.direction };
    case 'dry-run-allow':
      return { verdict: 'dryRunAllow', direction: meaning.direction };
    default:
      return undefined;
  }
}
