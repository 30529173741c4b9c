import { cidrWithin, isSingleAddress, parseCidr, type Cidr } from '../../model/address.js';
import { fieldAt } from '../policy-parts.js';
import { isOfKind, peersOf } from '../queries.js';
import type { LintObject } from '../objects.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP303',
  name: 'ipblock-covers-services',
  severity: 'warning',
  scope: 'namespace',
  confidence: 'closed-world',
  summary: "an ipBlock inside the cluster's Service range, or an address of a Service",
  why: "Policies apply after the Service has translated the packet to a pod's address: the block never matches.",
  bad: 'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{ipBlock: {cidr: 10.96.0.0/16}}]',
  good: 'podSelector: {}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: web}}}]',
  *check(input) {
    const ranges = input.objects.flatMap(serviceRanges);
    const holders = new Map(
      input.services.flatMap(({ ref, addresses }) => addresses.map((one) => [one, ref] as const)),
    );
    for (const { object, peer, path } of peersOf(input)) {
      if (peer.kind !== 'ipBlock') continue;
      const { cidr } = peer;
      const at = [...path, 'ipBlock', 'cidr'];
      const holder = isSingleAddress(cidr) ? holders.get(cidr.address) : undefined;
      if (holder !== undefined)
        yield {
          object,
          path: at,
          message: `this is an address of Service ${holder.namespace}/${holder.name}, not of its pods`,
        };
      else if (ranges.some((range) => cidrWithin(cidr, range)))
        yield {
          object,
          path: at,
          message: 'these are cluster IPs of Services; packets no longer carry them when policies apply',
        };
    }
  },
};

const listAt = ({ fields }: LintObject, path: readonly string[]): readonly string[] => {
  const list = fieldAt(fields, path);
  return Array.isArray(list) ? list.map(String) : [];
};

const serviceRanges = (object: LintObject): readonly Cidr[] =>
  isOfKind(object, 'ServiceCIDR') ? listAt(object, ['spec', 'cidrs']).flatMap((text) => parseCidr(text) ?? []) : [];
