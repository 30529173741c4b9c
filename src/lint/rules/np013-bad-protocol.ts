import { protocols } from '../../model/policy.js';
import { fieldAt } from '../policy-parts.js';
import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP013',
  name: 'bad-protocol',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a protocol that is not TCP, UDP or SCTP in capitals',
  why: 'The API server refuses `tcp` and `HTTP`; ICMP cannot be named, and a rule without ports allows it.',
  bad: 'podSelector: {}\ningress:\n  - ports: [{protocol: tcp, port: 80}]',
  good: 'podSelector: {}\ningress:\n  - ports: [{protocol: TCP, port: 80}]',
  check: (input) =>
    diagnosed(input, 'invalid-protocol', ({ path }, { fields }) => {
      const raw = fieldAt(fields, path);
      const replacement = protocols.find((one) => typeof raw === 'string' && one === raw.toUpperCase());
      return replacement === undefined ? {} : { fix: { description: `write ${replacement}`, path, replacement } };
    }),
};
