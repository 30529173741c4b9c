import { fieldAt } from '../policy-parts.js';
import { validPolicies } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP103',
  name: 'implicit-policytypes',
  severity: 'info',
  scope: 'document',
  confidence: 'proved',
  summary: 'no policyTypes',
  why: 'Ingress is always implied: a policy with only egress rules also denies all incoming traffic.',
  bad: 'podSelector: {}\negress:\n  - to: [{podSelector: {}}]',
  good: 'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {}}]',
  *check(input) {
    for (const { object, policy } of validPolicies(input)) {
      const types = fieldAt(object.fields, ['spec', 'policyTypes']);
      if (Array.isArray(types) && types.length > 0) continue;
      const onlyEgress = (policy.egress?.length ?? 0) > 0 && (policy.ingress?.length ?? 0) === 0;
      yield {
        object,
        path: ['spec'],
        part: 'key',
        ...(onlyEgress ? { severity: 'warning' as const } : {}),
        message: onlyEgress
          ? 'no policyTypes, so all incoming traffic is denied too; write [Egress] or [Ingress, Egress]'
          : `no policyTypes, which means [${policy.egress === undefined ? 'Ingress' : 'Ingress, Egress'}]`,
      };
    }
  },
};
