import { peersKey } from '../policy-parts.js';
import { rulesOf } from '../queries.js';
import type { PolicyRule } from '../../model/policy.js';
import { familyOf, type Family } from '../../model/address.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP306',
  name: 'one-family-only',
  severity: 'warning',
  scope: 'namespace',
  confidence: 'closed-world',
  summary: 'a block with all of one address family in a dual-stack cluster',
  why: '0.0.0.0/0 does not include IPv6: the traffic of the other family is denied.',
  bad: 'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{ipBlock: {cidr: 0.0.0.0/0}}]',
  good: 'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: "::/0"}}]',
  *check(input) {
    const families = new Set([
      ...input.podCidrs.map(({ family }) => family),
      ...input.workloads.flatMap(({ pod }) => pod.addresses.map(familyOf)),
    ]);
    if (families.size < 2) return;
    for (const { object, policy, direction, rule: own, path } of rulesOf(input)) {
      const [first] = wholeFamilies(own);
      // The other family may well have a rule of its own.
      const all = (policy[direction] ?? []).flatMap(wholeFamilies);
      if (first === undefined || new Set(all.map(({ family }) => family)).size > 1) continue;
      yield {
        object,
        path: [...path, peersKey(direction), first.index, 'ipBlock', 'cidr'],
        message: `this allows all of ${first.family} and nothing of the other family, which pods of this cluster have too`,
      };
    }
  },
};

const wholeFamilies = ({ peers }: PolicyRule): readonly { readonly family: Family; readonly index: number }[] =>
  peers === 'anyone'
    ? []
    : peers.flatMap((peer, index) =>
        peer.kind === 'ipBlock' && peer.cidr.prefix === 0 ? [{ family: peer.cidr.family, index }] : [],
      );
