import { fieldAt } from '../policy-parts.js';
import { validPolicies } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP106',
  name: 'empty-spec',
  severity: 'warning',
  scope: 'document',
  confidence: 'proved',
  summary: 'no spec, or a spec without podSelector',
  why: 'It is valid: it selects every pod of the namespace and denies all incoming traffic.',
  bad: 'policyTypes: [Ingress]',
  good: 'podSelector: {}\npolicyTypes: [Ingress]',
  *check(input) {
    for (const { object } of validPolicies(input))
      if ((fieldAt(object.fields, ['spec', 'podSelector']) ?? undefined) === undefined)
        yield {
          object,
          path: ['spec'],
          part: 'key',
          message: 'there is no podSelector, so every pod of the namespace is selected: write podSelector: {}',
        };
  },
};
