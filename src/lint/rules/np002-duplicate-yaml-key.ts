import type { Rule } from '../types.js';

/** The engine reports it: a file's keys are no object's. */
export const rule: Rule = {
  id: 'NP002',
  name: 'duplicate-yaml-key',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'the same key appears twice in one mapping',
  why: 'The last value counts and the first is lost: of two `podSelector` in one peer, only one selects.',
  bad: 'podSelector: {}\ningress:\n  - from:\n      - podSelector: {matchLabels: {app: a}}\n        podSelector: {}',
  good: 'podSelector: {}\ningress:\n  - from:\n      - podSelector: {matchLabels: {app: a}}\n      - podSelector: {}',
  check: () => [],
};
