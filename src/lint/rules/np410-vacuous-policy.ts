import { isolates } from '../../compiler/endpoints.js';
import { groupBy } from '../../generic/group-by.js';
import { directions, type AnyPolicy, type Direction, type NetworkPolicy } from '../../model/policy.js';
import { mayShare } from '../contradiction.js';
import { validPolicies } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP410',
  name: 'vacuous-policy',
  severity: 'info',
  scope: 'document',
  confidence: 'proved',
  summary: 'a policy that allows everything in every direction that it isolates',
  why: 'Alone it changes nothing; together with a default deny it cancels the deny.',
  bad: 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Ingress, Egress]\ningress: [{}]\negress: [{}]',
  good: 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Ingress]',
  *check(input) {
    const byNamespace = groupBy(validPolicies(input), ({ policy }) => policy.ref.namespace);
    for (const { object, policy } of validPolicies(input)) {
      const isolated = directions.filter((direction) => policy[direction] !== undefined);
      if (!isolated.every((direction) => opensAll(policy, direction))) continue;
      const { namespace } = policy.ref;
      const others = [...(byNamespace.get(namespace) ?? []).map((one) => one.policy), ...input.brokenIn(namespace)];
      // Beside another policy that isolates the same pods it allows what that one does not.
      if (others.some((other) => isolated.some((direction) => restricts(other, policy, direction)))) continue;
      yield { object, path: ['spec'], part: 'key', message: 'this policy allows everything that it isolates' };
    }
  },
};

const opensAll = (policy: NetworkPolicy, direction: Direction): boolean =>
  policy[direction]?.some(({ peers, ports }) => peers === 'anyone' && ports === 'anyPort') === true;

function restricts(other: AnyPolicy, { appliesTo }: NetworkPolicy, direction: Direction): boolean {
  if (!isolates(other, direction)) return false;
  if (other.kind === 'policy' && opensAll(other, direction)) return false;
  return other.appliesTo === 'wholeNamespace' || mayShare(other.appliesTo, appliesTo);
}
