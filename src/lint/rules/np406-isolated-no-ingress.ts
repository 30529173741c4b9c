import { isEnforceable } from '../../model/pod.js';
import { matches } from '../../selectors/match.js';
import { subjectsOf, validPolicies } from '../world.js';
import type { Rule } from '../types.js';

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
    const all = [...validPolicies(world)];
    for (const service of world.services) {
      const { selector, ref } = service;
      if (selector === undefined) continue;
      const behind = world.workloads.filter(
        ({ owner, pod }) => owner.namespace === ref.namespace && isEnforceable(pod) && matches(selector, pod.labels),
      );
      const isDead = (pod: (typeof behind)[number]): boolean => {
        const isolating = all.filter(
          ({ policy }) => policy.ingress !== undefined && subjectsOf(world, policy).includes(pod),
        );
        return isolating.length > 0 && isolating.every(({ policy }) => policy.ingress?.length === 0);
      };
      const object = world.objects.find(
        (one) => one.kind === 'Service' && one.namespace === ref.namespace && one.name === ref.name,
      );
      if (object !== undefined && behind.length > 0 && behind.every(isDead))
        yield {
          object,
          path: ['metadata', 'name'],
          message: `every pod behind ${ref.name} is isolated, and no rule allows anything in`,
        };
    }
  },
};
