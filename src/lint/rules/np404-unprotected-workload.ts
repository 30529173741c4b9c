import { ownerKey } from '../../model/workload.js';
import { isEnforceable } from '../../model/pod.js';
import { directions } from '../../model/policy.js';
import { isIsolated, isSystemNamespace } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP404',
  name: 'unprotected-workload',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a workload that no policy selects for ingress, or for egress',
  why: 'A workload that no policy selects is open to everyone in that direction.',
  bad: 'podSelector: {matchLabels: {app: other}}',
  good: 'podSelector: {}\npolicyTypes: [Ingress, Egress]',
  *check(input) {
    const seen = new Set<string>();
    for (const workload of input.workloads) {
      const { owner, pod } = workload;
      if (!isEnforceable(pod) || seen.has(ownerKey(owner))) continue;
      seen.add(ownerKey(owner));
      const object =
        input.objectOf(owner.kind, owner.namespace, owner.name) ??
        input.objectOf('Pod', pod.ref.namespace, pod.ref.name);
      const open = directions.filter((direction) => !isIsolated(input, workload, direction));
      if (object === undefined || open.length === 0) continue;
      // Ingress is what isolation is first about; an open egress alone is common.
      const isUsual = !open.includes('ingress') || isSystemNamespace(owner.namespace);
      yield {
        object,
        path: ['metadata', 'name'],
        severity: isUsual ? 'info' : 'warning',
        message: `no policy selects ${owner.kind} ${owner.name} for ${open.join(' and ')}`,
      };
    }
  },
};
