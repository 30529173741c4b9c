import { addressesOf } from '../containment.js';
import { peersOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP307',
  name: 'except-covers-cidr',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'excepts that together exclude the whole block',
  why: 'Each except is valid, but together they leave a peer that matches nobody.',
  bad: 'podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.0/25, 10.0.0.128/25]}}]',
  good: 'podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.0/25]}}]',
  *check(input) {
    for (const { object, peer, path } of peersOf(input))
      if (peer.kind === 'ipBlock' && addressesOf(peer).length === 0)
        yield {
          object,
          path: [...path, 'ipBlock', 'except'],
          message: 'the excepts exclude the whole block: this peer matches nobody',
        };
  },
};
