import { fieldAt } from '../policy-parts.js';
import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP014',
  name: 'bad-port',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a port number out of range, or a name that no port can have',
  why: 'The API server refuses it; a number in quotes is a port name, and a port name needs a letter.',
  bad: 'podSelector: {}\ningress:\n  - ports: [{port: "80"}]',
  good: 'podSelector: {}\ningress:\n  - ports: [{port: 80}]',
  check: (input) =>
    diagnosed(input, 'invalid-port', ({ path }, { fields }) => {
      if (path.at(-1) !== 'port') return undefined;
      const raw = fieldAt(fields, path);
      if (typeof raw !== 'string' || !/^\d{1,5}$/.test(raw)) return {};
      return { fix: { description: 'remove the quotes', path, replacement: String(Number(raw)) } };
    }),
};
