import { rulesOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP102',
  name: 'split-from-ports',
  severity: 'info',
  scope: 'document',
  confidence: 'heuristic',
  summary: 'a rule with peers but no ports, next to a rule with ports but no peers',
  why: 'The first opens all ports to its peers and the second opens its ports to everyone; probably one rule was meant.',
  bad: 'podSelector: {}\ningress:\n  - from: [{podSelector: {matchLabels: {app: a}}}]\n  - ports: [{port: 80}]',
  good: 'podSelector: {}\ningress:\n  - from: [{podSelector: {matchLabels: {app: a}}}]\n    ports: [{port: 80}]',
  *check(input) {
    for (const { object, policy, direction, rule: entry, path } of rulesOf(input)) {
      if (entry.peers !== 'anyone' || entry.ports === 'anyPort') continue;
      // DNS to anywhere is said so on purpose.
      if (entry.ports.every((port) => port.kind === 'range' && port.first === 53 && port.last === 53)) continue;
      const index = Number(path.at(-1));
      const list = policy[direction] ?? [];
      const beside = [list[index - 1], list[index + 1]];
      if (beside.some((other) => other !== undefined && other.peers !== 'anyone' && other.ports === 'anyPort'))
        yield {
          object,
          path,
          message: 'these ports are open to everyone, and the peers of the other rule may use every port',
        };
    }
  },
};
