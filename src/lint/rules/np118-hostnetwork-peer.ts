import { namedByPeer, peersOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP118',
  name: 'hostnetwork-peer',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a peer that selects only hostNetwork pods',
  why: "Their packets carry the node's address, which only an ipBlock can match.",
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
          message: 'every pod that this selects is on the host network: use an ipBlock with the addresses of its node',
        };
    }
  },
};
