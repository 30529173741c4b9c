import { peersOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP305',
  name: 'world-open',
  severity: 'warning',
  scope: 'document',
  confidence: 'proved',
  summary: '0.0.0.0/0 or ::/0 as a peer',
  why: 'Everybody on the internet is meant, and every pod and node as well.',
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
            direction === 'ingress' ? 'the whole internet may come in' : 'these pods may call the whole internet',
        };
  },
};
