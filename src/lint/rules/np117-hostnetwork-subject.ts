import { namedBySubject, validPolicies } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP117',
  name: 'hostnetwork-subject',
  severity: 'warning',
  scope: 'namespace',
  confidence: 'closed-world',
  summary: 'a policy that selects only hostNetwork pods',
  why: "A hostNetwork pod shares its node's network: no NetworkPolicy applies to it.",
  bad: 'podSelector: {matchLabels: {app: node-exporter}}',
  good: 'podSelector: {matchLabels: {app: web}}',
  *check(input) {
    for (const { object, policy } of validPolicies(input)) {
      const selected = namedBySubject(input, policy);
      if (selected.length > 0 && selected.every(({ pod }) => pod.hostNetwork))
        yield {
          object,
          path: ['spec', 'podSelector'],
          message: `this selects only pods on the host network (${selected[0]?.owner.name ?? ''}), which no policy isolates`,
        };
    }
  },
};
