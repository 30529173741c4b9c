import { fieldAt } from '../policy-parts.js';
import { validPolicies } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP106',
  name: 'empty-spec',
  severity: 'warning',
  scope: 'document',
  confidence: 'proved',
  summary: 'no spec, or one without podSelector',
  why: 'It is valid, selects every pod of the namespace and denies everything that comes in.',
  bad: 'policyTypes: [Ingress]',
  good: 'podSelector: {}\npolicyTypes: [Ingress]',
  *check(input) {
    for (const { object } of validPolicies(input))
      if ((fieldAt(object.fields, ['spec', 'podSelector']) ?? undefined) === undefined)
        yield {
          object,
          path: ['spec'],
          part: 'key',
          message: 'podSelector is left out, which selects every pod of the namespace: write podSelector: {}',
        };
  },
};
