/** Which policies a named counter is about, so that its packets can be told by policy. */
import { directions, policyKey, type Direction } from '../model/policy.js';
import type { PolicyProgram } from '../program/types.js';
import { dropCounter } from './isolation-chains.js';
import { ruleCounter } from './rule-lists.js';

export interface PolicyCounter {
  readonly verdict: 'allow' | 'deny';
  readonly direction: Direction;
  /** `namespace/name`: of the rule that allows, or of all that isolate. */
  readonly policies: readonly string[];
}

/** By the counter's name. Allowed packets are judgements: what the verdict cache lets through is not counted again. */
export function policyCounters(program: PolicyProgram): ReadonlyMap<string, PolicyCounter> {
  const found = new Map<string, PolicyCounter>();
  for (const { policy, direction, rules } of program.ruleLists.values())
    for (const { origin } of rules)
      found.set(ruleCounter({ policy, direction }, origin.rule), {
        verdict: 'allow',
        direction,
        policies: [policyKey(policy)],
      });
  for (const endpoint of program.endpoints.values())
    for (const direction of directions) {
      const isolation = endpoint[direction];
      if (isolation.kind === 'isolated')
        found.set(dropCounter(direction, isolation), {
          verdict: 'deny',
          direction,
          policies: isolation.by.map(policyKey),
        });
    }
  return found;
}
