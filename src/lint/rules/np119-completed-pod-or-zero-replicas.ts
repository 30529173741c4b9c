import type { WorkloadPod } from '../../model/workload.js';
import { replicasOf } from '../replicas.js';
import { namedBySubject, validPolicies } from '../queries.js';
import type { Rule, LintInput } from '../types.js';

export const rule: Rule = {
  id: 'NP119',
  name: 'completed-pod-or-zero-replicas',
  severity: 'info',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a policy whose workloads are scaled to zero, suspended or finished',
  why: 'It selects no pod now, but will when they run again: the policy is not unused.',
  bad: 'podSelector: {matchLabels: {app: asleep}}',
  good: 'podSelector: {matchLabels: {app: web}}',
  *check(input) {
    for (const { object, policy } of validPolicies(input)) {
      const selected = policy.appliesTo.requirements.length === 0 ? [] : namedBySubject(input, policy);
      const reasons = selected.map((one) => whyNothingRuns(input, one));
      const [first] = selected;
      if (first === undefined || reasons.includes(undefined)) continue;
      yield {
        object,
        path: ['spec', 'podSelector'],
        message: `no selected pod is running: ${first.owner.kind} ${first.owner.name} ${reasons[0] ?? ''}`,
      };
    }
  },
};

function whyNothingRuns(input: LintInput, entry: WorkloadPod): string | undefined {
  if (entry.pod.phase === 'Succeeded' || entry.pod.phase === 'Failed') return 'has finished';
  if (entry.isTemplate !== true || replicasOf(input, entry) !== 0) return undefined;
  return /Job$/.test(entry.owner.kind) ? 'is suspended' : 'has 0 replicas';
}
