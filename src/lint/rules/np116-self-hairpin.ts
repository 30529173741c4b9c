import { replicasOf } from '../replicas.js';
import { knowsPeers, podsOfPeer, rulesOf, subjectsOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP116',
  name: 'self-hairpin',
  severity: 'info',
  scope: 'namespace',
  confidence: 'heuristic',
  summary: 'a rule that allows a single pod to reach itself, and nothing else',
  why: 'A pod can always reach itself at its own address; through a Service it depends on the network plugin.',
  bad: 'podSelector: {matchLabels: {app: solo}}\ningress:\n  - from: [{podSelector: {matchLabels: {app: solo}}}]',
  good: 'podSelector: {matchLabels: {app: solo}}\ningress:\n  - from: [{podSelector: {matchLabels: {app: web}}}]',
  *check(input) {
    for (const entry of rulesOf(input)) {
      const { object, policy, rule: own, path } = entry;
      if (own.peers === 'anyone' || !knowsPeers(input, policy, own)) continue;
      const subjects = subjectsOf(input, policy);
      const [first] = subjects;
      if (first === undefined || subjects.length > 1 || replicasOf(input, first) !== 1) continue;
      const meant = own.peers.flatMap((peer) => podsOfPeer(input, policy, peer));
      if (meant.length > 0 && meant.every((one) => one === first))
        yield {
          object,
          path,
          message: `this only allows ${first.owner.kind} ${first.owner.name}, which has one pod, to reach itself`,
        };
    }
  },
};
