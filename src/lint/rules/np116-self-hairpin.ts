import { ownerKey } from '../../manifests/workloads.js';
import { replicasOf } from '../replicas.js';
import { knowsPeers, podsOfPeer, rulesOf, subjectsOf } from '../world.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP116',
  name: 'self-hairpin',
  severity: 'info',
  scope: 'namespace',
  confidence: 'heuristic',
  summary: 'a rule that allows a single pod to reach itself, and nothing else',
  why: 'A pod always reaches itself at its own address; behind a Service it depends on who enforces.',
  bad: 'podSelector: {matchLabels: {app: solo}}\ningress:\n  - from: [{podSelector: {matchLabels: {app: solo}}}]',
  good: 'podSelector: {matchLabels: {app: solo}}\ningress:\n  - from: [{podSelector: {matchLabels: {app: web}}}]',
  *check(world) {
    for (const entry of rulesOf(world)) {
      const { object, policy, rule: own, path } = entry;
      if (own.peers === 'anyone' || !knowsPeers(world, policy, own)) continue;
      const ends = [...subjectsOf(world, policy), ...own.peers.flatMap((peer) => podsOfPeer(world, policy, peer))];
      const [first] = ends;
      if (first === undefined || new Set(ends.map(({ owner }) => ownerKey(owner))).size > 1) continue;
      const isMet = own.peers.some((peer) => podsOfPeer(world, policy, peer).length > 0);
      if (isMet && replicasOf(world, first) === 1)
        yield {
          object,
          path,
          message: `this allows only ${first.owner.kind} ${first.owner.name}, of one pod, to reach itself`,
        };
    }
  },
};
