import { peersOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP305',
  name: 'world-open',
  severity: 'warning',
  scope: 'document',
  confidence: 'proved',
  summary: '0.0.0.0/0 or ::/0 as a peer',
  why: 'It includes everybody on the internet, and every pod and node of the cluster as well.',
  bad: 'podSelector: {matchLabels: {app: db}}\ningress:\n  - from: [{ipBlock: {cidr: 0.0.0.0/0}}]',
  good: 'podSelector: {matchLabels: {app: db}}\ningress:\n  - from: [{ipBlock: {cidr: 192.0.2.0/24}}]',
  *check(input) {
    for (const { object, direction, peer, path } of peersOf(input))
      if (peer.kind === 'ipBlock' && peer.cidr.prefix === 0)
        yield {
          object,
          path: [...path, 'ipBlock', 'cidr'],
          ...(direction === 'egress' ? { severity: 'info' as const } : {}),
          message:
            direction === 'ingress'
              ? 'the whole internet may connect to these pods'
              : 'these pods may connect to the whole internet',
        };
  },
};
