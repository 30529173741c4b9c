import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP016',
  name: 'bad-selector',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'an invalid label key or value, or an operator with the wrong number of values',
  why: 'The API server refuses it: In and NotIn need values, Exists and DoesNotExist take none.',
  bad: 'podSelector:\n  matchExpressions:\n    - {key: tier, operator: Exists, values: [x]}',
  good: 'podSelector:\n  matchExpressions:\n    - {key: tier, operator: Exists}',
  check: (input) => diagnosed(input, 'invalid-selector'),
};
