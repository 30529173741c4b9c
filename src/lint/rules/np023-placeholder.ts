import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP023',
  name: 'placeholder',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a value that a template engine has yet to fill in',
  why: 'What is linted is not what is applied: render it first (envsubst, helm template, kubectl kustomize), and lint that.',
  bad: 'podSelector: {matchLabels: {app: "${APP}"}}',
  good: 'podSelector: {matchLabels: {app: web}}',
  check: (input) => diagnosed(input, 'placeholder'),
};
