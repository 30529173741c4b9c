import { diagnosed } from './diagnosed.js';
import { clusterPolicy } from './examples.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP018',
  name: 'cnp-field-bounds',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a ClusterNetworkPolicy that exceeds the bounds of its schema',
  why: 'The API server refuses it: a priority is at most 1000, a list has at most 25 items, and a peer or protocol has one field.',
  bad: clusterPolicy('  ingress:\n    - {action: Accept, from: [{namespaces: {}}]}', 2000),
  good: clusterPolicy('  ingress:\n    - {action: Accept, from: [{namespaces: {}}]}', 200),
  check: (input) => diagnosed(input, 'out-of-bounds'),
};
