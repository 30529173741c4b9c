import { requirementPath, selectorsOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP113',
  name: 'forgeable-namespace-label',
  severity: 'info',
  scope: 'document',
  confidence: 'heuristic',
  summary: 'a namespaceSelector by a label other than kubernetes.io/metadata.name',
  why: 'Anybody who may label a namespace can make it match; only kubernetes.io/metadata.name is set by the API server itself.',
  bad: 'podSelector: {}\ningress:\n  - from: [{namespaceSelector: {matchLabels: {team: a}}}]',
  good: 'podSelector: {}\ningress:\n  - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: a}}}]',
  *check(input) {
    for (const { object, selector, path, of } of selectorsOf(input)) {
      if (of !== 'namespaces' || selector.requirements.length === 0) continue;
      if (selector.requirements.some(({ key }) => key === 'kubernetes.io/metadata.name')) continue;
      const [first] = selector.requirements;
      if (first !== undefined)
        yield {
          object,
          path: requirementPath(object.fields, path, first.key),
          message: `anybody who may set the label ${first.key} of a namespace can make it a peer`,
        };
    }
  },
};
