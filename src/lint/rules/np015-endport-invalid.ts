import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP015',
  name: 'endport-invalid',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'an endPort below its port, out of range, or without a numeric port',
  why: 'The API server refuses it: a range goes from a port number up to the same or a higher one.',
  bad: 'podSelector: {}\ningress:\n  - ports: [{port: 8080, endPort: 80}]',
  good: 'podSelector: {}\ningress:\n  - ports: [{port: 8080, endPort: 8090}]',
  check: (input) => diagnosed(input, 'invalid-port', ({ path }) => (path.at(-1) === 'endPort' ? {} : undefined)),
};
