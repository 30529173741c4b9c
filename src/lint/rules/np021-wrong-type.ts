import { isOfLabel } from './np017-label-type.js';
import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP021',
  name: 'wrong-type',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a value of the wrong type, such as a mapping where the API has a list',
  why: 'The API server refuses it: `ingress` is a list of rules, `from` a list of peers.',
  bad: 'podSelector: {}\ningress:\n  from:\n    - podSelector: {}',
  good: 'podSelector: {}\ningress:\n  - from:\n      - podSelector: {}',
  check: (input) => diagnosed(input, 'wrong-type', ({ path }) => (isOfLabel(path) ? undefined : {})),
};
