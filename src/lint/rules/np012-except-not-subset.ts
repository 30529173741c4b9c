import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP012',
  name: 'except-not-subset',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'an except that is not a strict subset of its cidr',
  why: 'The API server refuses it: it would exclude nothing, or everything.',
  bad: 'podSelector: {}\ningress:\n  - from:\n      - ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.0/24]}',
  good: 'podSelector: {}\ningress:\n  - from:\n      - ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.0/25]}',
  check: (input) => diagnosed(input, 'invalid-except'),
};
