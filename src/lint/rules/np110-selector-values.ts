import { isMapping } from '../../model/parse.js';
import { fieldAt } from '../policy-parts.js';
import { selectorsOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP110',
  name: 'selector-values',
  severity: 'info',
  scope: 'document',
  confidence: 'proved',
  summary: '`In` with one value, or with a repeated value',
  why: '`In` with one value can be written as matchLabels, which is easier to read and to compare.',
  bad: 'podSelector:\n  matchExpressions: [{key: app, operator: In, values: [a]}]',
  good: 'podSelector:\n  matchLabels: {app: a}',
  *check(input) {
    for (const { object, path } of selectorsOf(input)) {
      const expressions = fieldAt(object.fields, [...path, 'matchExpressions']);
      if (!Array.isArray(expressions)) continue;
      for (const [index, one] of (expressions as readonly unknown[]).entries()) {
        if (!isMapping(one) || !Array.isArray(one['values'])) continue;
        const values = one['values'] as readonly unknown[];
        const at = [...path, 'matchExpressions', index, 'values'];
        if (new Set(values).size < values.length) yield { object, path: at, message: 'a value appears here twice' };
        else if (one['operator'] === 'In' && values.length === 1)
          yield {
            object,
            path: at,
            message: `\`matchLabels: {${String(one['key'])}: ${String(values[0])}}\` has the same meaning`,
          };
      }
    }
  },
};
