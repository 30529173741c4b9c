import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

const annotated = (mode: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p\n  namespace: shop\n  annotations:\n    podwall.dev/mode: ${mode}\nspec: {podSelector: {}}`;

export const rule: Rule = {
  id: 'NP022',
  name: 'unknown-mode',
  severity: 'warning',
  scope: 'document',
  confidence: 'proved',
  summary: '`podwall.dev/mode` has a value that is no mode',
  why: 'Only `audit` is a dry run: the agent enforces the policy whatever else the annotation says.',
  bad: annotated('Audit'),
  good: annotated('dry-run'),
  check: (input) => diagnosed(input, 'unknown-mode'),
};
