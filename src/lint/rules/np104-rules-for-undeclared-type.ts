import { fieldAt } from '../policy-parts.js';
import { validPolicies } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP104',
  name: 'rules-for-undeclared-type',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'rules for a direction that policyTypes does not list',
  why: 'The API server accepts the rules, but they have no effect: the direction stays open.',
  bad: 'podSelector: {}\npolicyTypes: [Ingress]\negress:\n  - to: [{podSelector: {}}]',
  good: 'podSelector: {}\npolicyTypes: [Ingress, Egress]\negress:\n  - to: [{podSelector: {}}]',
  *check(input) {
    for (const { object, policy } of validPolicies(input))
      for (const direction of ['ingress', 'egress'] as const) {
        const raw = fieldAt(object.fields, ['spec', direction]);
        if (!Array.isArray(raw) || raw.length === 0 || policy[direction] !== undefined) continue;
        const type = direction === 'ingress' ? 'Ingress' : 'Egress';
        yield {
          object,
          path: ['spec', direction],
          part: 'key',
          message: `these rules are ignored: policyTypes does not list ${type}`,
        };
      }
  },
};
