import type { WorkloadPod } from '../../model/workload.js';
import { portsOf } from '../queries.js';
import { destinationsOf } from './np201-named-port-undefined.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP202',
  name: 'named-port-partial',
  severity: 'info',
  scope: 'namespace',
  confidence: 'closed-world',
  summary: 'a named port that only some destination pods have',
  why: 'The rule opens a port at some of its pods and nothing at the others.',
  bad: 'podSelector: {}\ningress:\n  - ports: [{port: metrics}]',
  good: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: http}]',
  *check(input) {
    for (const entry of portsOf(input)) {
      const { object, port, path } = entry;
      if (port.kind !== 'named') continue;
      const destinations = destinationsOf(input, entry) ?? [];
      const without = destinations.filter(
        ({ pod }) => !pod.ports.some(({ name, protocol }) => name === port.name && protocol === port.protocol),
      );
      if (without.length > 0 && without.length < destinations.length)
        yield {
          object,
          path: [...path, 'port'],
          message: `${without.length} of ${destinations.length} workloads have no port named ${port.name}: ${someOf(without)}`,
        };
    }
  },
};

const mostNames = 5;

function someOf(workloads: readonly WorkloadPod[]): string {
  const names = workloads.map(({ owner }) => owner.name);
  return names.length <= mostNames ? names.join(', ') : `${names.slice(0, mostNames).join(', ')} and others`;
}
