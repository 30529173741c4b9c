import { fieldAt } from '../policy-parts.js';
import { portsOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP204',
  name: 'protocol-omitted',
  severity: 'info',
  scope: 'document',
  confidence: 'heuristic',
  summary: 'a port without protocol, which means TCP',
  why: 'DNS, NTP and QUIC use UDP: without `protocol` the rule opens a TCP port that nobody calls.',
  bad: 'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - ports: [{port: 53}]',
  good: 'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]',
  *check(input) {
    for (const { object, policy, direction, port, path } of portsOf(input)) {
      if (fieldAt(object.fields, [...path, 'protocol']) !== undefined || port.kind !== 'range') continue;
      const isUdp = port.first === port.last && (port.first === 53 || port.first === 123);
      // Beside it, or in another rule of the policy: then TCP is meant here.
      const hasUdp = (policy[direction] ?? [])
        .flatMap(({ ports }) => (ports === 'anyPort' ? [] : ports))
        .some((other) => other.protocol === 'UDP' && other.kind === 'range' && other.first === port.first);
      if (isUdp && !hasUdp)
        yield {
          object,
          path,
          severity: 'warning',
          message: `port ${port.first} is TCP by default, but ${port.first === 53 ? 'DNS' : 'NTP'} uses UDP`,
        };
    }
  },
};
