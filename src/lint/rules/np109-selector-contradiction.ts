import type { LabelSelector } from '../../model/labels.js';
import { isMapping } from '../../model/parse.js';
import { fieldAt } from '../policy-parts.js';
import { requirementPath, selectorsOf } from '../queries.js';
import type { Rule } from '../types.js';

/** A key on which the selector contradicts itself. */
function contradiction({ requirements }: LabelSelector): string | undefined {
  for (const { key } of requirements) {
    const own = requirements.filter((one) => one.key === key);
    const absent = own.some(({ operator }) => operator === 'DoesNotExist');
    const present = own.some(({ operator }) => operator === 'Exists' || operator === 'In');
    if (absent && present) return key;
    let allowed: readonly string[] | undefined;
    for (const one of own)
      if (one.operator === 'In') allowed = allowed?.filter((value) => one.values.includes(value)) ?? one.values;
    for (const one of own)
      if (one.operator === 'NotIn') allowed = allowed?.filter((value) => !one.values.includes(value));
    if (allowed?.length === 0) return key;
  }
  return undefined;
}

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
