import { formatCidr, parseCidr } from '../../model/address.js';
import { fieldAt } from '../policy-parts.js';
import { diagnosed } from './diagnosed.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP011',
  name: 'cidr-not-canonical',
  severity: 'warning',
  scope: 'document',
  confidence: 'proved',
  summary: 'a CIDR with host bits, with leading zeros, or of an IPv4 network written as IPv6',
  why: 'Newer API servers refuse it; older API servers and agents interpret it in different ways.',
  bad: 'podSelector: {}\ningress:\n  - from:\n      - ipBlock: {cidr: 10.0.0.1/8}',
  good: 'podSelector: {}\ningress:\n  - from:\n      - ipBlock: {cidr: 10.0.0.0/8}',
  check: (input) =>
    diagnosed(input, 'cidr-not-canonical', ({ path, severity }, { fields }) => {
      const cidr = parseCidr(String(fieldAt(fields, path)));
      if (cidr === undefined) return { severity };
      const replacement = formatCidr(cidr);
      return { severity, fix: { description: `write ${replacement}`, path, replacement } };
    }),
};
