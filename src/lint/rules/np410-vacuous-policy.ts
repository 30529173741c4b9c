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
    for (const { object, policy } of validPolicies(input)) {
      const isolated = [policy.ingress, policy.egress].filter((rules) => rules !== undefined);
      const opensAll = isolated.every((rules) =>
        rules.some(({ peers, ports }) => peers === 'anyone' && ports === 'anyPort'),
      );
      if (opensAll)
        yield { object, path: ['spec'], part: 'key', message: 'this policy allows everything that it isolates' };
    }
  },
};
