import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP007',
  name: 'bad-policy-type',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a policyType other than Ingress and Egress, or more than two',
  why: 'The API server refuses the policy; `["Ingress, Egress"]` is one type of a strange name.',
  bad: 'podSelector: {}\npolicyTypes: ["Ingress, Egress"]',
  good: 'podSelector: {}\npolicyTypes: [Ingress, Egress]',
  check: (input) => diagnosed(input, 'invalid-policy-type'),
};
