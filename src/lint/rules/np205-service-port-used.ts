import type { WorkloadPod } from '../../model/workload.js';
import type { PortEntry } from '../policy-parts.js';
import { portsOf } from '../queries.js';
import { destinationsOf } from './np201-named-port-undefined.js';
import type { Service, ServicePort } from '../../model/service.js';
import type { Rule, LintInput } from '../types.js';

/** The Service whose port a rule names although its pods listen on another one. */
interface Mistaken {
  readonly service: Service;
  readonly port: ServicePort;
}

/** @returns undefined where some destination may listen on the port itself */
export function mistakenFor(input: LintInput, entry: PortEntry): Mistaken | undefined {
  const { port } = entry;
  if (port.kind !== 'range' || port.first !== port.last) return undefined;
  const destinations = destinationsOf(input, entry) ?? [];
  if (destinations.length === 0 || destinations.some((one) => mayListen(input, one, port.first))) return undefined;
  for (const service of new Set(destinations.flatMap((one) => input.servicesOf(one)))) {
    if (service.headless) continue;
    const found = service.ports.find((one) => one.port === port.first && one.protocol === port.protocol);
    // Who allows both has thought of both.
    if (found !== undefined && !isAllowedBeside(entry, found)) return { service, port: found };
  }
  return undefined;
}

/** Declared, probed or a Service's target; of a pod that declares nothing and has no Service, nothing is known. */
export function mayListen(input: LintInput, entry: WorkloadPod, port: number): boolean {
  if (entry.pod.ports.some((one) => one.port === port)) return true;
  const own = input.servicesOf(entry);
  if (own.some(({ ports }) => ports.some(({ target }) => target === port))) return true;
  return own.length === 0 && entry.pod.ports.length === 0;
}

function isAllowedBeside({ rule }: PortEntry, { target, protocol }: ServicePort): boolean {
  if (rule.ports === 'anyPort') return true;
  return rule.ports.some((one) => {
    if (one.kind === 'all' || one.protocol !== protocol) return one.protocol === protocol;
    if (one.kind === 'named') return one.name === target;
    return typeof target === 'number' && one.first <= target && target <= one.last;
  });
}

export const rule: Rule = {
  id: 'NP205',
  name: 'service-port-used',
  severity: 'warning',
  scope: 'namespace',
  confidence: 'closed-world',
  summary: 'the port of a Service whose pods listen on another port',
  why: "Policies apply after the Service has translated the packet, which then carries the pod's own port.",
  bad: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: 80}]',
  good: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - ports: [{port: 8080}]',
  *check(input) {
    for (const entry of portsOf(input)) {
      const mistaken = mistakenFor(input, entry);
      if (mistaken === undefined) continue;
      const { service, port } = mistaken;
      yield {
        object: entry.object,
        path: [...entry.path, 'port'],
        message: `${port.port} is the port of Service ${service.ref.name}; its pods listen on ${port.target}`,
      };
    }
  },
};
