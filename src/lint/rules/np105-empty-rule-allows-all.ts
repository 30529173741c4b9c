import { fieldAt, peersKey } from '../policy-parts.js';
import { rulesOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP105',
  name: 'empty-rule-allows-all',
  severity: 'warning',
  scope: 'document',
  confidence: 'proved',
  summary: 'a rule without peers and ports next to other rules, or `from: []`',
  why: 'An empty rule allows everything, including the internet, so other rules add nothing; a policy without rules denies.',
  bad: 'podSelector: {}\ningress:\n  - {}\n  - from: [{podSelector: {}}]',
  good: 'podSelector: {}\ningress:\n  - from: [{podSelector: {}}]',
  *check(input) {
    for (const { object, policy, direction, rule: entry, path } of rulesOf(input)) {
      const peers = peersKey(direction);
      const raw = fieldAt(object.fields, [...path, peers]);
      if (Array.isArray(raw) && raw.length === 0) {
        // `to: []` with ports is a usual way to write DNS, or the API server, wherever it is.
        const isUsual = direction === 'egress' && entry.ports !== 'anyPort';
        yield {
          object,
          path: [...path, peers],
          part: 'key',
          ...(isUsual ? { severity: 'info' as const } : {}),
          message: `an empty \`${peers}\` allows everyone, not nobody`,
        };
        continue;
      }
      if (entry.peers !== 'anyone' || entry.ports !== 'anyPort') continue;
      const isOnly = (policy[direction]?.length ?? 0) === 1;
      yield {
        object,
        path,
        ...(isOnly ? { severity: 'info' as const } : {}),
        message: isOnly
          ? `this allows all ${direction}; \`${direction}: []\` would deny all of it`
          : 'this rule allows everything: the other rules change nothing',
      };
    }
  },
};
