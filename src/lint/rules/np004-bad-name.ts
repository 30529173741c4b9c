import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP004',
  name: 'bad-name',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'no name, or one that the API server refuses',
  why: 'Names are DNS subdomains of at most 253 characters; an object without one cannot be written.',
  bad: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: Web_Policy, namespace: shop}\nspec: {podSelector: {}}',
  good: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web-policy, namespace: shop}\nspec: {podSelector: {}}',
  *check(input) {
    yield* diagnosed(input, 'missing-name', () => ({ part: 'key' }));
    yield* diagnosed(input, 'invalid-name');
  },
};
