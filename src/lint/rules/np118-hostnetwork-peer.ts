import { namedByPeer, peersOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP118',
  name: 'hostnetwork-peer',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a peer that means nothing but hostNetwork pods',
  why: "Their packets carry their node's address: only an ipBlock can name it.",
  bad: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - from: [{podSelector: {matchLabels: {app: node-exporter}}}]',
  good: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - from: [{ipBlock: {cidr: 172.30.0.0/24}}]',
  *check(input) {
    for (const { object, policy, peer, path } of peersOf(input)) {
      if (peer.kind !== 'pods') continue;
      const meant = namedByPeer(input, policy, peer);
      if (meant.length > 0 && meant.every(({ pod }) => pod.hostNetwork))
        yield {
          object,
          path,
          message: 'every pod that this means is on the host network: its node must be named by ipBlock',
        };
    }
  },
};
