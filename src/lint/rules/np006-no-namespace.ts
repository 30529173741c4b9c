import { fieldAt } from '../policy-parts.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP006',
  name: 'no-namespace',
  severity: 'info',
  scope: 'document',
  confidence: 'proved',
  summary: 'a NetworkPolicy that names no namespace',
  why: 'It lands wherever kubectl happens to point, and protects pods there.',
  bad: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}}',
  good: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {podSelector: {}}',
  *check({ policies }) {
    for (const object of policies)
      if (object.name !== '' && fieldAt(object.fields, ['metadata', 'namespace']) === undefined)
        yield {
          object,
          path: ['metadata'],
          part: 'key',
          message: `${object.name} names no namespace: it is taken for one of \`default\``,
        };
  },
};
