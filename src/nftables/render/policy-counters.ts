/** Which policies a named counter is about, so that its packets are counted by policy. */
import { directions, policyKey, type Direction } from '../../model/policy.js';
import type { PolicyProgram } from '../../program/types.js';
import { isolationSpecOf } from './isolation-spec.js';
import { counters } from '../names/counters.js';
import { policiesNamed, ruleNamed } from '../names/policies.js';

export interface PolicyCounter {
  /** `dryRun…`: what a dry run would have done. */
  readonly verdict: 'allow' | 'deny' | 'dryRunAllow' | 'dryRunDeny';
  readonly direction: Direction;
  /** `namespace/name`: of the rule that allows, or of all that isolate. */
  readonly policies: readonly string[];
}

/** By the counter's name. What the verdict cache lets through is not counted again. */
export function policyCounters(program: PolicyProgram): ReadonlyMap<string, PolicyCounter> {
  const found = new Map<string, PolicyCounter>();
  for (const list of program.ruleLists.values())
    for (const { origin } of list.rules) {
      const by = { direction: list.direction, policies: [policyKey(list.policy)] };
      const named = ruleNamed(list, origin.rule);
      found.set(counters.nameOf({ kind: 'rule', ...named }), { ...by, verdict: 'allow' });
      found.set(counters.nameOf({ kind: 'dry-run-allow', ...named }), { ...by, verdict: 'dryRunAllow' });
    }
  for (const endpoint of program.endpoints.values())
    for (const direction of directions) {
      const spec = isolationSpecOf(endpoint, direction);
      if (spec === undefined) continue;
      const { kind, isolation } = spec;
      const named = policiesNamed(direction, isolation.by);
      const by = { direction, policies: isolation.by.map(policyKey) };
      if (kind === 'enforced') found.set(counters.nameOf({ kind: 'drop', ...named }), { ...by, verdict: 'deny' });
      else
        for (const recorded of [false, true])
          found.set(counters.nameOf({ kind: 'dry-run-deny', ...named, recorded }), { ...by, verdict: 'dryRunDeny' });
    }
  return found;
}
