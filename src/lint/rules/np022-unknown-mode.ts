import { diagnosedIn } from './diagnosed.js';
import type { Rule } from '../types.js';

const annotated = (mode: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p\n  namespace: shop\n  annotations:\n    podwall.dev/mode: ${mode}\nspec: {podSelector: {}}`;

export const rule: Rule = {
  id: 'NP022',
  name: 'unknown-mode',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: '`podwall.dev/mode` of a policy or Namespace is neither `dry-run` nor `enforce`',
  why: 'The agent enforces whatever is not `dry-run`, which drops packets. Only `audit`, the previous name, is still a dry run.',
  bad: annotated('Dry-Run'),
  good: annotated('dry-run'),
  *check({ policies, namespaceObjects }) {
    const objects = [...policies, ...namespaceObjects];
    yield* diagnosedIn(objects, 'unknown-mode');
    yield* diagnosedIn(objects, 'renamed-mode', ({ path }) => ({
      fix: { description: 'write `dry-run`', path, replacement: 'dry-run' },
    }));
  },
};
