import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP009',
  name: 'ipblock-plus-selector',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'an ipBlock and a selector in the same peer',
  why: 'The API server refuses it: a peer is either pods or addresses.',
  bad: 'podSelector: {}\ningress:\n  - from:\n      - podSelector: {matchLabels: {app: a}}\n        ipBlock: {cidr: 192.0.2.0/24}',
  good: 'podSelector: {}\ningress:\n  - from:\n      - podSelector: {matchLabels: {app: a}}\n      - ipBlock: {cidr: 192.0.2.0/24}',
  check: (input) => diagnosed(input, 'invalid-peer'),
};
