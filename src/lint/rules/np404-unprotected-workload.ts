import { isolates, selects } from '../../compiler/endpoints.js';
import { ownerKey } from '../../manifests/workloads.js';
import { groupBy } from '../../model/group-by.js';
import { isEnforceable } from '../../model/pod.js';
import { directions } from '../../model/policy.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP404',
  name: 'unprotected-workload',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a workload that no policy selects for ingress, or for egress',
  why: 'What no policy selects is open to everyone in that direction.',
  bad: 'podSelector: {matchLabels: {app: other}}',
  good: 'podSelector: {}\npolicyTypes: [Ingress, Egress]',
  *check(world) {
    const byNamespace = groupBy(
      world.policies.flatMap(({ policy }) => policy ?? []),
      ({ ref }) => ref.namespace,
    );
    const seen = new Set<string>();
    for (const { owner, pod } of world.workloads) {
      const key = ownerKey(owner);
      if (!isEnforceable(pod) || seen.has(key)) continue;
      seen.add(key);
      const object =
        world.objectOf(owner.kind, owner.namespace, owner.name) ??
        world.objectOf('Pod', pod.ref.namespace, pod.ref.name);
      const selecting = (byNamespace.get(owner.namespace) ?? []).filter((policy) => selects(policy, pod));
      const open = directions.filter((direction) => !selecting.some((policy) => isolates(policy, direction)));
      // Ingress is what isolation is first about; an open egress alone is common.
      const severity = open.includes('ingress') ? 'warning' : 'info';
      if (object !== undefined && open.length > 0)
        yield {
          object,
          path: ['metadata', 'name'],
          severity,
          message: `no policy selects ${owner.kind} ${owner.name} for ${open.join(' and ')}`,
        };
    }
  },
};
