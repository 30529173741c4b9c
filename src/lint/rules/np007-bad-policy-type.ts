import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP007',
  name: 'bad-policy-type',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a policyType that is not Ingress or Egress, or more than two of them',
  why: 'The API server refuses the policy; `["Ingress, Egress"]` is one unknown type, not two types.',
  bad: 'podSelector: {}\npolicyTypes: ["Ingress, Egress"]',
  good: 'podSelector: {}\npolicyTypes: [Ingress, Egress]',
  check: (input) => diagnosed(input, 'invalid-policy-type'),
};
