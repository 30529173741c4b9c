import { validPolicies } from '../world.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP405',
  name: 'ns-without-default-deny',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a namespace with workloads and without a default deny for ingress',
  why: 'A workload that comes tomorrow is open until somebody thinks of it.',
  bad: 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Ingress]',
  good: 'podSelector: {}\npolicyTypes: [Ingress]',
  *check(world) {
    const all = [...validPolicies(world)];
    for (const object of world.objects) {
      if (object.kind !== 'Namespace') continue;
      if (!world.workloads.some(({ owner }) => owner.namespace === object.name)) continue;
      const isCovered = all.some(
        ({ policy }) =>
          policy.ref.namespace === object.name &&
          policy.appliesTo.requirements.length === 0 &&
          policy.ingress !== undefined,
      );
      if (!isCovered)
        yield { object, path: ['metadata', 'name'], message: `nothing isolates every pod of ${object.name}` };
    }
  },
};
