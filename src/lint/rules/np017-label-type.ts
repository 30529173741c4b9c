import { isMapping } from '../../model/parse.js';
import { fieldAt } from '../policy-parts.js';
import { selectorsOf } from '../queries.js';
import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const isOfLabel = (path: readonly (string | number)[]): boolean =>
  path.includes('matchLabels') || path.includes('values');

export const rule: Rule = {
  id: 'NP017',
  name: 'label-type',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a label value that YAML reads as a number, a boolean or null',
  why: 'Labels are strings: the API server cannot decode `1.10` or `true`, and a missing value selects the empty label.',
  bad: 'podSelector: {matchLabels: {version: 1.10}}',
  good: 'podSelector: {matchLabels: {version: "1.10"}}',
  *check(input) {
    yield* diagnosed(input, 'wrong-type', ({ path }) => (isOfLabel(path) ? {} : undefined));
    for (const { object, path } of selectorsOf(input)) {
      const labels = fieldAt(object.fields, [...path, 'matchLabels']);
      if (!isMapping(labels)) continue;
      for (const [key, value] of Object.entries(labels))
        if (value === null)
          yield {
            object,
            path: [...path, 'matchLabels', key],
            part: 'key',
            severity: 'warning',
            message: `${key} has no value here: only pods whose ${key} is empty are selected`,
          };
    }
  },
};
