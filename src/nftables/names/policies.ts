/** What names say of policies. */
import { policyKey, type Direction, type PolicyRef } from '../../model/policy.js';
import type { RuleList } from '../../program/types.js';
import { hashOf } from './hash.js';

interface NamedRule {
  readonly direction: Direction;
  readonly readable: string;
  readonly rule: number;
  readonly policy: string;
}

/** Of a rule, by where it stands in the YAML: its counts survive every regeneration. */
export const ruleNamed = ({ policy, direction }: Pick<RuleList, 'policy' | 'direction'>, rule: number): NamedRule => {
  const { kind, namespace, name } = policy;
  return { direction, readable: `${namespace}-${name}`, rule, policy: hashOf(kind, namespace, name, direction) };
};

interface NamedPolicies {
  readonly direction: Direction;
  readonly policies: string;
}

/** Of policies that isolate together; the same policies keep it, whatever they come to allow. */
export const policiesNamed = (direction: Direction, by: readonly PolicyRef[]): NamedPolicies => ({
  direction,
  policies: hashOf(direction, ...by.map(policyText)),
});

export const policyText = (ref: PolicyRef): string => `${ref.kind} ${policyKey(ref)}`;
