import { namedByPeer, peersOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP402',
  name: 'peer-matches-nothing',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a peer that matches no workload',
  why: 'The rule allows nobody, but somebody was meant.',
  bad: 'podSelector: {}\ningress:\n  - from: [{podSelector: {matchLabels: {app: wbe}}}]',
  good: 'podSelector: {}\ningress:\n  - from: [{podSelector: {matchLabels: {app: web}}}]',
  *check(input) {
    for (const { object, policy, peer, path } of peersOf(input)) {
      if (peer.kind !== 'pods') continue;
      // Of a namespace that is only named, the labels are not known.
      if (peer.namespaces !== 'own' && input.implied.size > 0) continue;
      if (namedByPeer(input, policy, peer).length === 0)
        yield { object, path, message: 'no workload matches this peer' };
    }
  },
};
