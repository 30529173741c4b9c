import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isPolicyObject } from '../queries.js';
import type { LintObject } from '../objects.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP005',
  name: 'duplicate-object',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'the same NetworkPolicy appears twice in one directory or stream',
  why: 'The one that is applied last replaces the other, with everything that it allowed or denied.',
  bad: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {podSelector: {}}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {podSelector: {}, ingress: [{}]}',
  good: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: {podSelector: {}}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: q, namespace: shop}\nspec: {podSelector: {}, ingress: [{}]}',
  *check({ objects }) {
    const seen = new Map<string, LintObject>();
    const copies = new Map<string, LintObject[]>();
    for (const object of objects) {
      if (!isPolicyObject(object) || object.name === '') continue;
      // A base and its overlays lie in directories of their own, and are meant to be the same.
      const { file } = object.document;
      const key = `${dirname(file)} ${object.namespace}/${object.name}`;
      const first = seen.get(key);
      if (first === undefined) seen.set(key, object);
      else if (first.document.file !== file && isDeepStrictEqual(first.fields, object.fields))
        copies.set(`${first.document.file}\n${file}`, [
          ...(copies.get(`${first.document.file}\n${file}`) ?? []),
          object,
        ]);
      else
        yield {
          object,
          path: ['metadata', 'name'],
          message: `${object.kind} ${object.namespace}/${object.name} appears twice`,
          related: [{ object: first, path: ['metadata', 'name'], message: 'the first one' }],
        };
    }
    // Install files for different purposes hold the same objects; one of them is applied.
    for (const [files, [object, ...more]] of copies)
      if (object !== undefined)
        yield {
          object,
          path: ['metadata', 'name'],
          severity: 'info',
          message: `${more.length + 1} of the policies here are also in ${files.split('\n')[0] ?? ''}, and are the same`,
        };
  },
};
