import { portsOf, subjectsOf } from '../queries.js';
import { mayListen, mistakenFor } from './np205-service-port-used.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP206',
  name: 'port-not-exposed',
  severity: 'info',
  scope: 'namespace',
  confidence: 'heuristic',
  summary: 'an ingress port that none of the selected workloads declares',
  why: 'Declaring ports is optional, so this may be right; often the workload has moved to another port.',
  bad: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: 9999}]',
  good: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: 8080}]',
  *check(input) {
    for (const entry of portsOf(input)) {
      const { object, policy, direction, port, path } = entry;
      if (direction !== 'ingress' || port.kind !== 'range') continue;
      const subjects = subjectsOf(input, policy);
      // Of pods that declare nothing, nothing follows.
      if (subjects.length === 0 || subjects.some(({ pod }) => pod.ports.length === 0)) continue;
      const isDeclared = subjects.some(({ pod }) =>
        pod.ports.some((one) => one.protocol === port.protocol && one.port >= port.first && one.port <= port.last),
      );
      const isServed = port.first === port.last && subjects.some((one) => mayListen(input, one, port.first));
      if (isDeclared || isServed || mistakenFor(input, entry) !== undefined) continue;
      yield { object, path, message: 'none of the selected workloads declares this port' };
    }
  },
};
