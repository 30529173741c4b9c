import { nodeAddressesOf } from '../../addresses/node-addresses.js';
import { isSingleAddress } from '../../model/address.js';
import { isEnforceable } from '../../model/pod.js';
import { peersOf } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP309',
  name: 'single-host-cidr-pod',
  severity: 'warning',
  scope: 'namespace',
  confidence: 'closed-world',
  summary: 'an ipBlock with the current address of one pod',
  why: 'Another pod may have the address tomorrow; select pods by labels.',
  bad: 'podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 10.244.1.7/32}}]',
  good: 'podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 192.0.2.7/32}}]',
  *check(input) {
    const nodes = nodeAddressesOf(
      input.nodes,
      input.workloads.map(({ pod }) => pod),
    );
    for (const { object, peer, path } of peersOf(input)) {
      if (peer.kind !== 'ipBlock' || !isSingleAddress(peer.cidr)) continue;
      const { address } = peer.cidr;
      // A node can be named in no other way.
      if (nodes.has(address)) continue;
      const holder = input.workloads.find(({ pod }) => isEnforceable(pod) && pod.addresses.includes(address));
      if (holder !== undefined)
        yield {
          object,
          path: [...path, 'ipBlock', 'cidr'],
          message: `this is the current address of ${holder.owner.kind} ${holder.owner.namespace}/${holder.owner.name}`,
        };
    }
  },
};
