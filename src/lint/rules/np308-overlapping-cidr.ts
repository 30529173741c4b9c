import { formatCidr } from '../../model/address.js';
import { indexOfContainer } from '../peer-containers.js';
import { peersOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP308',
  name: 'overlapping-cidr',
  severity: 'info',
  scope: 'document',
  confidence: 'proved',
  summary: 'a block that another block of the same rule contains',
  why: 'It allows nothing more; somebody who removes it later will think that access is closed.',
  bad: 'podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 10.0.0.0/8}}, {ipBlock: {cidr: 10.1.0.0/16}}]',
  good: 'podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 10.0.0.0/8}}]',
  *check(input) {
    for (const { object, policy, rule: own, peer, path } of peersOf(input)) {
      if (peer.kind !== 'ipBlock' || own.peers === 'anyone') continue;
      const index = Number(path.at(-1));
      const container = own.peers[indexOfContainer(own.peers, index, policy.ref.namespace) ?? -1];
      if (container?.kind === 'ipBlock')
        yield {
          object,
          path: [...path, 'ipBlock', 'cidr'],
          message: `${formatCidr(container.cidr)} of the same rule contains this`,
        };
    }
  },
};
