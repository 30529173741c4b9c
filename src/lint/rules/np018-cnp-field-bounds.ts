import { diagnosed } from './diagnosed.js';
import { clusterPolicy } from './examples.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP018',
  name: 'cnp-field-bounds',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a ClusterNetworkPolicy beyond the bounds of its schema',
  why: 'The API server refuses it: priorities go to 1000, lists to 25, and a peer or protocol is exactly one thing.',
  bad: clusterPolicy('  ingress:\n    - {action: Accept, from: [{namespaces: {}}]}', 2000),
  good: clusterPolicy('  ingress:\n    - {action: Accept, from: [{namespaces: {}}]}', 200),
  check: (input) => diagnosed(input, 'out-of-bounds'),
};
