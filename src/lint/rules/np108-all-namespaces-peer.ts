import { peersOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP108',
  name: 'all-namespaces-peer',
  severity: 'info',
  scope: 'document',
  confidence: 'proved',
  summary: '`namespaceSelector: {}` without a podSelector',
  // Argo CD, Flux, Istio and Vault mean just that for their metrics and APIs.
  why: 'It selects every pod of every namespace, but no nodes, no hostNetwork pods and nothing outside the cluster.',
  bad: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - from: [{namespaceSelector: {}}]',
  good: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: proxy}}}]',
  *check(input) {
    for (const { object, peer, path } of peersOf(input))
      if (peer.kind === 'pods' && peer.namespaces !== 'own')
        if (peer.namespaces.requirements.length === 0 && peer.pods.requirements.length === 0)
          yield { object, path, message: 'this selects every pod of every namespace, and nothing outside the cluster' };
  },
};
