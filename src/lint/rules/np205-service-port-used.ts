import { matches } from '../../selectors/match.js';
import { portsOf, podsOfPeer, subjectsOf } from '../world.js';
import type { Rule, WorkloadEntry } from '../types.js';

export const rule: Rule = {
  id: 'NP205',
  name: 'service-port-used',
  severity: 'warning',
  scope: 'namespace',
  confidence: 'closed-world',
  summary: "a Service's port where the pods listen on another one",
  why: "Policies are judged behind the Service: the packet carries the pod's own port.",
  bad: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: 80}]',
  good: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: 8080}]',
  *check(world) {
    for (const { object, policy, direction, rule: own, port, path } of portsOf(world)) {
      if (port.kind !== 'range' || port.first !== port.last) continue;
      const destinations: readonly WorkloadEntry[] =
        direction === 'ingress'
          ? subjectsOf(world, policy)
          : own.peers === 'anyone'
            ? []
            : own.peers.flatMap((peer) => podsOfPeer(world, policy, peer));
      if (destinations.some(({ pod }) => pod.ports.some((one) => one.port === port.first))) continue;
      for (const service of world.services) {
        const { selector } = service;
        const behind = destinations.filter(
          ({ owner, pod }) =>
            owner.namespace === service.ref.namespace && selector !== undefined && matches(selector, pod.labels),
        );
        const translated = service.ports.find(
          (one) => one.port === port.first && one.protocol === port.protocol && one.target !== port.first,
        );
        if (behind.length === 0 || translated === undefined || service.headless) continue;
        const target = service.ports.some((one) => one.target === port.first) ? undefined : translated.target;
        if (target === undefined) continue;
        yield {
          object,
          path: [...path, 'port'],
          message: `${port.first} is the port of Service ${service.ref.name}; its pods listen on ${target}`,
        };
        break;
      }
    }
  },
};
