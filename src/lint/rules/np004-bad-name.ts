import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP004',
  name: 'bad-name',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'no name, or a name that the API server refuses',
  why: 'A name is a DNS subdomain of at most 253 characters, and every object needs one.',
  bad: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: Web_Policy, namespace: shop}\nspec: {podSelector: {}}',
  good: 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web-policy, namespace: shop}\nspec: {podSelector: {}}',
  *check(input) {
    yield* diagnosed(input, 'missing-name', () => ({ part: 'key' }));
    yield* diagnosed(input, 'invalid-name');
  },
};
