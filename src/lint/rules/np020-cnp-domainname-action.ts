import { diagnosed } from './diagnosed.js';
import { clusterPolicy } from './examples.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP020',
  name: 'cnp-domainname-action',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'domainNames in a rule that does not Accept, or with a wildcard that is none',
  why: 'Names are learnt from answers that pods get, so they can only be allowed; `*.` stands for whole labels, in front.',
  bad: clusterPolicy('  egress:\n    - {action: Deny, to: [{domainNames: ["*.example.com"]}]}'),
  good: clusterPolicy(
    '  egress:\n    - {action: Accept, to: [{domainNames: ["*.example.com"]}]}\n    - {action: Deny, to: [{networks: [0.0.0.0/0]}]}',
  ),
  check: (input) => diagnosed(input, 'invalid-domain-name'),
};
