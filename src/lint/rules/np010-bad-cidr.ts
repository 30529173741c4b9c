import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP010',
  name: 'bad-cidr',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a cidr or except that is not a CIDR',
  why: 'The API server refuses it; a single address needs a prefix length, as in 10.0.0.1/32.',
  bad: 'podSelector: {}\ningress:\n  - from:\n      - ipBlock: {cidr: 10.0.0.1}',
  good: 'podSelector: {}\ningress:\n  - from:\n      - ipBlock: {cidr: 10.0.0.1/32}',
  check: (input) => diagnosed(input, 'invalid-cidr'),
};
