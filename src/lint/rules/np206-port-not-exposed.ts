import { portsOf, subjectsOf } from '../world.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP206',
  name: 'port-not-exposed',
  severity: 'info',
  scope: 'namespace',
  confidence: 'heuristic',
  summary: 'an ingress port that none of the selected workloads declares',
  why: 'Declarations are optional, so this may be right; often it is the port of yesterday.',
  bad: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: 9999}]',
  good: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: 8080}]',
  *check(world) {
    for (const { object, policy, direction, port, path } of portsOf(world)) {
      if (direction !== 'ingress' || port.kind !== 'range') continue;
      const declared = subjectsOf(world, policy).flatMap(({ pod }) => pod.ports);
      // Of pods that declare nothing at all, nothing follows.
      if (declared.length === 0) continue;
      const isDeclared = declared.some(
        (one) => one.protocol === port.protocol && one.port >= port.first && one.port <= port.last,
      );
      if (!isDeclared) yield { object, path, message: 'no workload that this is about declares such a port' };
    }
  },
};
