import { fieldAt } from '../policy-parts.js';
import { validPolicies } from '../queries.js';
import type { NetworkPolicy, PolicyRule } from '../../model/policy.js';
import type { Rule } from '../types.js';

const allowsDnsOnly = ({ ports }: PolicyRule): boolean =>
  ports !== 'anyPort' && ports.every((port) => port.kind === 'range' && port.first === 53 && port.last === 53);

/** A default deny, perhaps with DNS, or an allow-all: they mean every pod. */
const isBaseline = ({ ingress = [], egress = [] }: NetworkPolicy): boolean => {
  const rules = [...ingress, ...egress];
  return rules.every((rule) => allowsDnsOnly(rule) || (rule.peers === 'anyone' && rule.ports === 'anyPort'));
};

const isOwnNamespace = ({ ingress = [], egress = [] }: NetworkPolicy): boolean =>
  [...ingress, ...egress].every(
    ({ peers }) =>
      peers !== 'anyone' && peers.every((peer) => peer.kind === 'pods' && peer.pods.requirements.length === 0),
  );

export const rule: Rule = {
  id: 'NP107',
  name: 'empty-podselector',
  severity: 'info',
  scope: 'document',
  confidence: 'heuristic',
  summary: 'a policy with rules of its own that selects every pod',
  why: 'Ports that one workload needs are opened at every pod of the namespace, including future ones.',
  bad: 'podSelector: {}\npolicyTypes: [Ingress]\ningress:\n  - from: [{podSelector: {matchLabels: {app: web}}}]\n    ports: [{port: 5432}]',
  good: 'podSelector: {matchLabels: {app: db}}\npolicyTypes: [Ingress]\ningress:\n  - from: [{podSelector: {matchLabels: {app: web}}}]\n    ports: [{port: 5432}]',
  *check(input) {
    for (const { object, policy } of validPolicies(input)) {
      if (policy.appliesTo.requirements.length > 0 || isBaseline(policy) || isOwnNamespace(policy)) continue;
      if ((fieldAt(object.fields, ['spec', 'podSelector']) ?? undefined) === undefined) continue;
      yield {
        object,
        path: ['spec', 'podSelector'],
        message: 'the rules of this policy apply to every pod of the namespace',
      };
    }
  },
};
