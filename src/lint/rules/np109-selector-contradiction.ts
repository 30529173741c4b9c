import { isMapping } from '../../model/parse.js';
import { contradiction } from '../contradiction.js';
import { fieldAt } from '../policy-parts.js';
import { requirementPath, selectorsOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP109',
  name: 'selector-contradiction',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a selector that no object can match',
  why: 'All requirements must hold at the same time: a label cannot have two values, or be both present and absent.',
  bad: 'podSelector:\n  matchLabels: {app: a}\n  matchExpressions: [{key: app, operator: NotIn, values: [a]}]',
  good: 'podSelector:\n  matchLabels: {app: a}\n  matchExpressions: [{key: tier, operator: NotIn, values: [a]}]',
  *check(input) {
    for (const { object, selector, path } of selectorsOf(input)) {
      // A peer without a selector matches nothing too; that is another rule's.
      const key = isMapping(fieldAt(object.fields, path)) ? contradiction(selector) : undefined;
      if (key !== undefined)
        yield {
          object,
          path: requirementPath(object.fields, path, key),
          message: `nothing can match: the requirements for ${key} contradict each other`,
        };
    }
  },
};
