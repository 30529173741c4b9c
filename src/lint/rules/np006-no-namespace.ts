import { fieldAt } from '../policy-parts.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP006',
  name: 'no-namespace',
  severity: 'info',
  scope: 'document',
  confidence: 'proved',
  summary: 'a NetworkPolicy without a namespace',
  why: 'kubectl creates it in its current namespace, and it protects the pods there.',
  bad: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}}',
  good: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {podSelector: {}}',
  *check({ policies }) {
    for (const object of policies)
      if (object.name !== '' && fieldAt(object.fields, ['metadata', 'namespace']) === undefined)
        yield {
          object,
          path: ['metadata'],
          part: 'key',
          message: `${object.name} has no namespace: \`${object.namespace}\` is assumed`,
        };
  },
};
