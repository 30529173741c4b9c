import { diagnosed } from './diagnosed.js';
import { clusterPolicy } from './examples.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP020',
  name: 'cnp-domainname-action',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'domainNames in a rule whose action is not Accept, or with an invalid wildcard',
  why: 'Addresses are learnt from DNS answers, so a domain name can only be allowed; `*.` is valid only at the beginning.',
  bad: clusterPolicy('  egress:\n    - {action: Deny, to: [{domainNames: ["*.example.com"]}]}'),
  good: clusterPolicy(
    '  egress:\n    - {action: Accept, to: [{domainNames: ["*.example.com"]}]}\n    - {action: Deny, to: [{networks: [0.0.0.0/0]}]}',
  ),
  check: (input) => diagnosed(input, 'invalid-domain-name'),
};
