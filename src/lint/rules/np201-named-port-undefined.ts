import type { WorkloadPod } from '../../model/workload.js';
import type { PortEntry } from '../policy-parts.js';
import { knowsPeers, knowsWorkloads, podsOfPeer, portsOf, subjectsOf } from '../queries.js';
import type { Rule, LintInput } from '../types.js';

/** The pods at which a named port is looked up; undefined when they are not known. */
export function destinationsOf(input: LintInput, entry: PortEntry): readonly WorkloadPod[] | undefined {
  const { policy, direction, rule: own } = entry;
  if (direction === 'ingress')
    return knowsWorkloads(input, policy.ref.namespace) ? subjectsOf(input, policy) : undefined;
  if (own.peers === 'anyone' || !knowsPeers(input, policy, own)) return undefined;
  return own.peers.flatMap((peer) => podsOfPeer(input, policy, peer));
}

export const rule: Rule = {
  id: 'NP201',
  name: 'named-port-undefined',
  severity: 'warning',
  scope: 'namespace',
  confidence: 'closed-world',
  summary: 'a named port that no destination pod has for this protocol',
  why: 'A named port is resolved at the destination pods, by name and protocol; without such a port nothing matches.',
  bad: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: htp}]',
  good: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: http}]',
  *check(input) {
    for (const entry of portsOf(input)) {
      const { object, port, path } = entry;
      if (port.kind !== 'named') continue;
      const destinations = destinationsOf(input, entry);
      if (destinations === undefined || destinations.length === 0) continue;
      const named = destinations.flatMap(({ pod }) => pod.ports).filter(({ name }) => name === port.name);
      if (named.some(({ protocol }) => protocol === port.protocol)) continue;
      const other = named[0];
      yield {
        object,
        path: [...path, 'port'],
        message:
          other === undefined
            ? `no destination pod has a port named ${port.name}`
            : `port ${port.name} of these pods is ${other.protocol}, but ${port.protocol} here`,
      };
    }
  },
};
