import { everything } from '../../model/labels.js';
import { isEnforceable } from '../../model/pod.js';
import { peersKey } from '../policy-parts.js';
import { knowsWorkloads, rulesOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP101',
  name: 'peer-or-not-and',
  severity: 'warning',
  scope: 'namespace',
  confidence: 'closed-world',
  summary: 'a podSelector and a namespaceSelector in two peers that were probably meant as one',
  why: "Two list items are alternatives: every pod of that namespace, and pods with those labels in the policy's own namespace.",
  bad: 'podSelector: {}\ningress:\n  - from:\n      - namespaceSelector: {matchLabels: {team: a}}\n      - podSelector: {matchLabels: {app: only-there}}',
  good: 'podSelector: {}\ningress:\n  - from:\n      - namespaceSelector: {matchLabels: {team: a}}\n        podSelector: {matchLabels: {app: only-there}}',
  *check(input) {
    for (const { object, policy, direction, rule: entry, path } of rulesOf(input)) {
      const { namespace } = policy.ref;
      if (entry.peers === 'anyone' || !knowsWorkloads(input, namespace)) continue;
      for (const [index, peer] of entry.peers.entries()) {
        const pair = [entry.peers[index - 1], entry.peers[index + 1]];
        if (peer.kind !== 'pods' || peer.namespaces !== 'own' || peer.pods.requirements.length === 0) continue;
        const hasNamespaceBeside = pair.some(
          (other) => other?.kind === 'pods' && other.namespaces !== 'own' && other.pods.requirements.length === 0,
        );
        if (!hasNamespaceBeside) continue;
        const selected = input
          .select({ namespaces: everything, pods: peer.pods })
          .filter(({ pod }) => isEnforceable(pod));
        const isElsewhereOnly = selected.length > 0 && selected.every(({ owner }) => owner.namespace !== namespace);
        if (isElsewhereOnly)
          yield {
            object,
            path: [...path, peersKey(direction), index],
            message: `no pod of ${namespace} has these labels, but pods of ${selected[0]?.owner.namespace ?? ''} do: did you mean one peer with both selectors?`,
          };
      }
    }
  },
};
