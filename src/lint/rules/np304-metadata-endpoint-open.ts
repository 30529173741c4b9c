import { cidrContains, isSingleAddress, parseAddress } from '../../model/address.js';
import { rulesOf } from '../queries.js';
import type { Rule } from '../types.js';

const endpoints = ['169.254.169.254', 'fd00:ec2::254'].flatMap((text) => parseAddress(text) ?? []);

export const rule: Rule = {
  id: 'NP304',
  name: 'metadata-endpoint-open',
  severity: 'warning',
  scope: 'document',
  confidence: 'proved',
  summary: "egress by ipBlock to the cloud's metadata service (169.254.169.254)",
  why: "The metadata service hands out the node's credentials: 0.0.0.0/0 needs an except for it.",
  bad: 'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{ipBlock: {cidr: 0.0.0.0/0}}]',
  good: 'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]',
  *check(input) {
    for (const { object, direction, rule: own, path } of rulesOf(input)) {
      if (direction !== 'egress' || own.peers === 'anyone') continue;
      const opensHttp =
        own.ports === 'anyPort' ||
        own.ports.some(
          (port) =>
            port.protocol === 'TCP' &&
            (port.kind === 'all' || (port.kind === 'range' && port.first <= 80 && port.last >= 80)),
        );
      if (!opensHttp) continue;
      for (const [index, peer] of own.peers.entries())
        if (peer.kind === 'ipBlock') {
          const open = endpoints.find(
            (address) => cidrContains(peer.cidr, address) && !peer.except.some((one) => cidrContains(one, address)),
          );
          if (open !== undefined)
            yield {
              object,
              path: [...path, 'to', index, 'ipBlock'],
              // Who names it, and nothing else, knows what it is: workload identities are had from there.
              ...(isSingleAddress(peer.cidr) ? { severity: 'info' as const } : {}),
              message: `this opens the metadata service ${open}`,
            };
        }
    }
  },
};
