import { canonicalText } from '../../selectors/match.js';
import { validPolicies } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP114',
  name: 'allow-all-defeats-deny',
  severity: 'warning',
  scope: 'policies',
  confidence: 'proved',
  summary: 'an allow-all policy and a default deny for the same pods',
  why: "Allow rules add up: when one policy allows everything, another policy's default deny has no effect.",
  bad: 'podSelector: {}\npolicyTypes: [Ingress]\n---\npodSelector: {}\ningress: [{}]',
  good: 'podSelector: {}\npolicyTypes: [Ingress]',
  *check(input) {
    const all = [...validPolicies(input)];
    for (const { object, policy } of all)
      for (const direction of ['ingress', 'egress'] as const) {
        const index =
          policy[direction]?.findIndex(({ peers, ports }) => peers === 'anyone' && ports === 'anyPort') ?? -1;
        if (index < 0) continue;
        const denied = all.find(
          ({ policy: other }) =>
            other.ref.namespace === policy.ref.namespace &&
            other[direction]?.length === 0 &&
            (policy.appliesTo.requirements.length === 0 ||
              canonicalText(other.appliesTo) === canonicalText(policy.appliesTo)),
        );
        if (denied !== undefined)
          yield {
            object,
            path: ['spec', direction, index],
            message: `this allows everything that ${denied.policy.ref.name} denies`,
            related: [{ object: denied.object, path: ['spec'], message: 'the deny that has no effect' }],
          };
      }
  },
};
