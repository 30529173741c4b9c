import { diagnosed } from './diagnosed.js';
import { clusterPolicy } from './examples.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP019',
  name: 'cnp-namedport-on-nonpod',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a destinationNamedPort in a rule with networks, nodes or domainNames',
  why: 'A named port is resolved at the destination pod; networks, nodes and domains have no named ports, so nothing matches.',
  bad: clusterPolicy(
    '  egress:\n    - {action: Accept, to: [{networks: [192.0.2.0/24]}], protocols: [{destinationNamedPort: https}]}',
  ),
  good: clusterPolicy(
    '  egress:\n    - {action: Accept, to: [{networks: [192.0.2.0/24]}], protocols: [{tcp: {destinationPort: {number: 443}}}]}',
  ),
  check: (input) => diagnosed(input, 'named-port-without-pods'),
};
