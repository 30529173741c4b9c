import { cidrWithin } from '../../model/address.js';
import { peersOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP302',
  name: 'ipblock-covers-pods',
  severity: 'warning',
  scope: 'namespace',
  confidence: 'closed-world',
  summary: 'an ipBlock inside the pod ranges of the cluster',
  why: 'Pod addresses change with every restart: select pods by labels, and use ipBlock for what is outside the cluster.',
  bad: 'podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 10.244.1.0/24}}]',
  good: 'podSelector: {}\ningress:\n  - from: [{podSelector: {matchLabels: {app: web}}}]',
  *check(input) {
    const { podCidrs } = input;
    for (const { object, peer, path } of peersOf(input)) {
      if (peer.kind !== 'ipBlock' || peer.cidr.prefix === 0) continue;
      const { cidr } = peer;
      const at = [...path, 'ipBlock', 'cidr'];
      const around = podCidrs.find((range) => cidrWithin(cidr, range));
      const inside = podCidrs.find((range) => cidrWithin(range, cidr));
      if (around !== undefined) yield { object, path: at, message: 'these are pod addresses, which change' };
      else if (inside !== undefined)
        yield { object, path: at, severity: 'info', message: "this block contains the cluster's pods" };
    }
  },
};
