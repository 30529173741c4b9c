/** Which policies a named counter is about, so that its packets can be told by policy. */
import { directions, policyKey, type Direction } from '../../model/policy.js';
import type { PolicyProgram } from '../../program/types.js';
import { dropCounter, judgementOf, wouldDenyNames } from '../render/isolation-chains.js';
import { ruleCounter, wouldAllowName } from '../render/rule-lists.js';

export interface PolicyCounter {
  /** `would…`: what a dry run would have done. */
  readonly verdict: 'allow' | 'deny' | 'wouldAllow' | 'wouldDeny';
  readonly direction: Direction;
  /** `namespace/name`: of the rule that allows, or of all that isolate. */
  readonly policies: readonly string[];
}

/** By the counter's name. Allowed packets are judgements: what the verdict cache lets through is not counted again. */
export function policyCounters(program: PolicyProgram): ReadonlyMap<string, PolicyCounter> {
  const found = new Map<string, PolicyCounter>();
  for (const list of program.ruleLists.values())
    for (const { origin } of list.rules) {
      const by = { direction: list.direction, policies: [policyKey(list.policy)] };
      found.set(ruleCounter(list, origin.rule), { ...by, verdict: 'allow' });
      found.set(wouldAllowName(list, origin.rule), { ...by, verdict: 'wouldAllow' });
    }
  for (const endpoint of program.endpoints.values())
    for (const direction of directions) {
      const judgement = judgementOf(endpoint, direction);
      if (judgement === undefined) continue;
      const { kind, isolation } = judgement;
      const by = { direction, policies: isolation.by.map(policyKey) };
      if (kind === 'enforced') found.set(dropCounter(direction, isolation), { ...by, verdict: 'deny' });
      else for (const name of wouldDenyNames(direction, isolation)) found.set(name, { ...by, verdict: 'wouldDeny' });
    }
  return found;
}
