import { namedBySubject, validPolicies } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP401',
  name: 'selects-no-pods',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a podSelector that matches no workload',
  why: 'The policy protects nobody: there is a typo, or the workload was renamed.',
  bad: 'podSelector: {matchLabels: {app: wbe}}',
  good: 'podSelector: {matchLabels: {app: web}}',
  *check(input) {
    for (const { object, policy } of validPolicies(input))
      if (policy.appliesTo.requirements.length > 0 && namedBySubject(input, policy).length === 0)
        yield {
          object,
          path: ['spec', 'podSelector'],
          message: `no workload of ${policy.ref.namespace} has these labels`,
        };
  },
};
