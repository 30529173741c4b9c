import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP008',
  name: 'empty-peer',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a peer without fields, or whose fields are all null',
  why: '`- namespaceSelector:` without a value is not a selector; `{}` selects every namespace.',
  bad: 'podSelector: {}\ningress:\n  - from:\n      - namespaceSelector:',
  good: 'podSelector: {}\ningress:\n  - from:\n      - namespaceSelector: {matchLabels: {team: a}}',
  check: (input) => diagnosed(input, 'empty-peer'),
};
