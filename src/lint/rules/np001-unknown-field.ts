import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP001',
  name: 'unknown-field',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a field that NetworkPolicy does not have, at any depth',
  why: 'The API server drops unknown fields: a misspelt `from` leaves a rule that allows everyone.',
  bad: 'podSelector: {}\ningress:\n  - form:\n      - podSelector: {}',
  good: 'podSelector: {}\ningress:\n  - from:\n      - podSelector: {}',
  *check(input) {
    yield* diagnosed(input, 'unknown-field', ({ severity }) => ({
      part: 'key',
      ...(severity === 'warning' ? { severity } : {}),
    }));
    yield* diagnosed(input, 'unknown-outer-field', () => ({ part: 'key' }));
  },
};
