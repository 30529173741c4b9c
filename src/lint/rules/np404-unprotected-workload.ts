import { isolates, selects } from '../../compiler/endpoints.js';
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
  *check({ workloads, policies, objects }) {
    const seen = new Set<string>();
    for (const { owner, pod } of workloads) {
      const key = `${owner.namespace}/${owner.kind}/${owner.name}`;
      if (!isEnforceable(pod) || seen.has(key)) continue;
      seen.add(key);
      const object = objects.find(
        (one) => one.kind === owner.kind && one.namespace === owner.namespace && one.name === owner.name,
      );
      const open = directions.filter(
        (direction) =>
          !policies.some(
            ({ policy }) =>
              policy !== undefined &&
              policy.ref.namespace === owner.namespace &&
              selects(policy, pod) &&
              isolates(policy, direction),
          ),
      );
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
