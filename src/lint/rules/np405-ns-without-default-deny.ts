import { isolates } from '../../compiler/endpoints.js';
import { ownerKey } from '../../model/workload.js';
import { isEnforceable } from '../../model/pod.js';
import { directions, type AnyPolicy, type Direction } from '../../model/policy.js';
import { isIsolated, isOfKind, isSystemNamespace } from '../queries.js';
import type { Rule, LintInput } from '../types.js';

export const rule: Rule = {
  id: 'NP405',
  name: 'ns-without-default-deny',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a namespace with workloads and without a default deny for ingress, or for egress',
  why: 'A new workload stays open until somebody writes a policy for it.',
  bad: 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Ingress]',
  good: 'podSelector: {}\npolicyTypes: [Ingress, Egress]',
  *check(input) {
    for (const object of input.objects) {
      if (!isOfKind(object, 'Namespace') || isSystemNamespace(object.name)) continue;
      const workloads = input.workloadsIn(object.name).filter(({ pod }) => isEnforceable(pod));
      const open = directions.filter((direction) => !isDenied(input, object.name, direction));
      if (workloads.length === 0 || open.length === 0) continue;
      const owners = new Map(workloads.map((one) => [ownerKey(one.owner), one]));
      const coverage = open.map((direction) => {
        const isolated = [...owners.values()].filter((one) => isIsolated(input, one, direction));
        return `${isolated.length} of ${owners.size} workloads for ${direction}`;
      });
      yield {
        object,
        path: ['metadata', 'name'],
        // Who is there now is isolated for ingress: only who comes tomorrow is open.
        severity: [...owners.values()].every((one) => isIsolated(input, one, 'ingress')) ? 'info' : 'warning',
        message: `no policy isolates all pods of ${object.name} for ${open.join(' and ')}: policies select ${coverage.join(', ')}`,
      };
    }
  },
};

const isDenied = (input: LintInput, namespace: string, direction: Direction): boolean => {
  const valid = input.policyCandidates(namespace, {}).map(({ policy }) => policy);
  return [...valid, ...input.brokenIn(namespace)].some((policy) => isolates(policy, direction) && selectsAll(policy));
};

const selectsAll = ({ appliesTo }: AnyPolicy): boolean =>
  appliesTo === 'wholeNamespace' || appliesTo.requirements.length === 0;
