import { matches } from '../../selectors/match.js';
import type { LabelSelector } from '../../model/labels.js';
import { isSystemNamespace, peersOf } from '../queries.js';
import type { Rule } from '../types.js';

const isOfSystem = ({ requirements }: LabelSelector): boolean =>
  requirements.some(
    (one) => one.operator === 'In' && one.key !== nameLabel && one.values.every((value) => isSystemNamespace(value)),
  );

const nameLabel = 'kubernetes.io/metadata.name';

export const rule: Rule = {
  id: 'NP301',
  name: 'ns-label-not-existing',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a namespaceSelector that matches no namespace',
  why: 'Nobody sets a label such as `name: kube-system` by default; the API server sets kubernetes.io/metadata.name.',
  bad: 'podSelector: {}\ningress:\n  - from: [{namespaceSelector: {matchLabels: {name: kube-system}}}]',
  good: 'podSelector: {}\ningress:\n  - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]',
  *check(input) {
    for (const { object, peer, path } of peersOf(input)) {
      if (peer.kind !== 'pods' || peer.namespaces === 'own') continue;
      const selector = peer.namespaces;
      // Of a namespace that is only named the labels are not known, but those of Kubernetes' own are.
      if (input.implied.size > 0 && !isOfSystem(selector)) continue;
      if (!input.namespaces.some(({ labels }) => matches(selector, labels)))
        yield { object, path: [...path, 'namespaceSelector'], message: 'no namespace has these labels' };
    }
  },
};
