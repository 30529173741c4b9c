import { selects } from '../../compiler/endpoints.js';
import { isEnforceable } from '../../model/pod.js';
import type { Rule, WorkloadEntry, World } from '../types.js';

export const rule: Rule = {
  id: 'NP406',
  name: 'isolated-no-ingress',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a Service whose pods nothing may reach',
  why: 'A default deny without a rule beside it: the Service is dead for everyone.',
  bad: 'podSelector: {}\npolicyTypes: [Ingress]',
  good: 'podSelector: {}\npolicyTypes: [Ingress]\ningress: [{from: [{podSelector: {}}]}]',
  *check(world) {
    for (const { selector, ref } of world.services) {
      const object = world.objectOf('Service', ref.namespace, ref.name);
      if (selector === undefined || object === undefined) continue;
      const behind = world
        .select({ namespaces: { name: ref.namespace }, pods: selector })
        .filter(({ pod }) => isEnforceable(pod));
      if (behind.length > 0 && behind.every((one) => isDead(world, one)))
        yield {
          object,
          path: ['metadata', 'name'],
          message: `every pod behind ${ref.name} is isolated, and no rule allows anything in`,
        };
    }
  },
};

function isDead(world: World, { owner, pod }: WorkloadEntry): boolean {
  const isolating = world
    .policiesIn(owner.namespace)
    .filter(({ policy }) => policy.ingress !== undefined && selects(policy, pod));
  return isolating.length > 0 && isolating.every(({ policy }) => policy.ingress?.length === 0);
}
