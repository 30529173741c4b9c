import { requirementPath, selectorsOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP111',
  name: 'notin-matches-missing',
  severity: 'info',
  scope: 'document',
  confidence: 'proved',
  summary: 'NotIn in a selector that does not require the key',
  why: 'NotIn also matches objects without the key: the selector is usually wider than intended.',
  bad: 'podSelector:\n  matchExpressions: [{key: env, operator: NotIn, values: [prod]}]',
  good: 'podSelector:\n  matchExpressions: [{key: env, operator: NotIn, values: [prod]}, {key: env, operator: Exists}]',
  *check(input) {
    for (const { object, selector, path } of selectorsOf(input))
      for (const one of selector.requirements) {
        if (one.operator !== 'NotIn') continue;
        const demanded = selector.requirements.some((other) => other.key === one.key && other.operator !== 'NotIn');
        if (!demanded)
          yield {
            object,
            path: requirementPath(object.fields, path, one.key),
            message: `this also selects objects without the label ${one.key}`,
          };
      }
  },
};
