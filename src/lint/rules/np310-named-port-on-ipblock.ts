import { portsOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP310',
  name: 'named-port-on-ipblock',
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'a named port in an egress rule whose peers are all ipBlocks',
  why: 'A named port is resolved at the destination pod; an address has no named ports, so the rule matches nothing.',
  bad: 'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{ipBlock: {cidr: 192.0.2.0/24}}]\n    ports: [{port: https}]',
  good: 'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{ipBlock: {cidr: 192.0.2.0/24}}]\n    ports: [{port: 443}]',
  *check(input) {
    for (const { object, direction, rule: own, port, path } of portsOf(input)) {
      if (direction !== 'egress' || port.kind !== 'named' || own.peers === 'anyone') continue;
      if (own.peers.every(({ kind }) => kind === 'ipBlock'))
        yield {
          object,
          path: [...path, 'port'],
          message: `an ipBlock has no port named ${port.name}: nothing matches`,
        };
    }
  },
};
