import type { Rule } from '../types.js';

/** The engine reports it, when the other rules have run. */
export const rule: Rule = {
  id: 'NP000',
  name: 'unused-suppression',
  severity: 'warning',
  scope: 'document',
  confidence: 'proved',
  summary: 'a comment or annotation that ignores a rule which finds nothing there, or that does not exist',
  why: 'A suppression that covers nothing would hide the next finding of its rule.',
  bad: 'podSelector: {} # podwall-ignore NP010 reviewed',
  good: 'podSelector: {}',
  check: () => [],
};
