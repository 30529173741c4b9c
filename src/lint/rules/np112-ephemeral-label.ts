import { requirementPath, selectorsOf } from '../queries.js';
import type { Rule } from '../types.js';

const ephemeral: ReadonlySet<string> = new Set([
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'controller-uid',
  'batch.kubernetes.io/controller-uid',
]);

export const rule: Rule = {
  id: 'NP112',
  name: 'ephemeral-label',
  severity: 'warning',
  scope: 'document',
  confidence: 'proved',
  summary: 'a selector by a label that a controller changes',
  why: 'Labels such as pod-template-hash change with the next rollout, and then the policy selects nothing.',
  bad: 'podSelector: {matchLabels: {pod-template-hash: 5d4f8c7b9}}',
  good: 'podSelector: {matchLabels: {app: web}}',
  *check(input) {
    for (const { object, selector, path } of selectorsOf(input))
      for (const { key } of selector.requirements)
        if (ephemeral.has(key))
          yield {
            object,
            path: requirementPath(object.fields, path, key),
            message: `${key} changes with every rollout`,
          };
  },
};
