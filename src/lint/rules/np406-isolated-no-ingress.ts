import type { WorkloadPod } from '../../model/workload.js';
import { isEnforceable } from '../../model/pod.js';
import type { Rule, LintInput } from '../types.js';

export const rule: Rule = {
  id: 'NP406',
  name: 'isolated-no-ingress',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a Service whose pods cannot be reached',
  why: 'The pods are isolated and no rule allows anything in: nobody can use the Service.',
  bad: 'podSelector: {}\npolicyTypes: [Ingress]',
  good: 'podSelector: {}\npolicyTypes: [Ingress]\ningress: [{from: [{podSelector: {}}]}]',
  *check(input) {
    for (const { selector, ref } of input.services) {
      const object = input.objectOf('Service', ref.namespace, ref.name);
      if (selector === undefined || object === undefined) continue;
      const behind = input
        .select({ namespaces: { name: ref.namespace }, pods: selector })
        .filter(({ pod }) => isEnforceable(pod));
      if (behind.length > 0 && behind.every((one) => isDead(input, one)))
        yield {
          object,
          path: ['metadata', 'name'],
          message: `every pod of Service ${ref.name} is isolated, and no rule allows anything in`,
        };
    }
  },
};

function isDead(input: LintInput, workload: WorkloadPod): boolean {
  const isolating = input.policiesFor(workload).filter(({ policy }) => policy.ingress !== undefined);
  return isolating.length > 0 && isolating.every(({ policy }) => policy.ingress?.length === 0);
}
