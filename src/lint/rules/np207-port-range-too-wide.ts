import { portsOf } from '../queries.js';
import type { Rule } from '../types.js';

/** Ports that a range may have before it is worth a look. */
const wide = 1000;

export const rule: Rule = {
  id: 'NP207',
  name: 'port-range-too-wide',
  severity: 'warning',
  scope: 'document',
  confidence: 'heuristic',
  summary: 'a range of more than 1,000 ports',
  why: '1 to 65535 is every port of a protocol: a wide range opens nearly everything but looks selective.',
  bad: 'podSelector: {}\ningress:\n  - ports: [{port: 1, endPort: 65535}]',
  good: 'podSelector: {}\ningress:\n  - ports: [{port: 30000, endPort: 32767}]',
  *check(input) {
    for (const { object, port, path } of portsOf(input)) {
      if (port.kind !== 'range' || port.last - port.first < wide) continue;
      if (port.first >= 30_000 && port.last <= 32_767) continue;
      yield { object, path, message: `this opens ${port.last - port.first + 1} ${port.protocol} ports` };
    }
  },
};
