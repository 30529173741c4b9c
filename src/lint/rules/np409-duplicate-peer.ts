import { rulesOf, peersKey } from '../world.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP409',
  name: 'duplicate-peer',
  severity: 'info',
  scope: 'document',
  confidence: 'proved',
  summary: 'the same peer twice in one rule, or the same rule twice',
  why: 'The second one adds nothing, and who removes one of them believes to close something.',
  bad: 'podSelector: {}\ningress:\n  - from: [{podSelector: {matchLabels: {app: a}}}, {podSelector: {matchLabels: {app: a}}}]',
  good: 'podSelector: {}\ningress:\n  - from: [{podSelector: {matchLabels: {app: a}}}]',
  *check(world) {
    for (const { object, policy, direction, rule: own, path } of rulesOf(world)) {
      const texts = (policy[direction] ?? []).map((one) => JSON.stringify(one));
      const index = Number(path.at(-1));
      if (texts.indexOf(texts[index] ?? '') < index) yield { object, path, message: 'a rule above says the same' };
      if (own.peers === 'anyone') continue;
      const peers = own.peers.map((one) => JSON.stringify(one));
      for (const [at, text] of peers.entries())
        if (peers.indexOf(text) < at)
          yield { object, path: [...path, peersKey(direction), at], message: 'this peer stands here already' };
    }
  },
};
