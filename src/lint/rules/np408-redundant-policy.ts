import { groupBy } from '../../generic/group-by.js';
import { policyKey } from '../../model/policy.js';
import { Redundancy } from '../redundancy.js';
import { rulesOf, validPolicies } from '../queries.js';
import type { Rule } from '../types.js';

export const rule: Rule = {
  id: 'NP408',
  name: 'redundant-policy',
  severity: 'info',
  scope: 'policies',
  confidence: 'proved',
  summary: 'a policy whose rules are all contained in other policies for the same pods',
  why: 'Without it the same connections are allowed; somebody who removes it later will think that access is closed.',
  bad: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - from: [{podSelector: {matchLabels: {app: a}}}]\n    ports: [{port: 80}]\n---\npodSelector: {}\ningress:\n  - from: [{podSelector: {}}]',
  good: 'podSelector: {matchLabels: {app: web}}\ningress:\n  - from: [{podSelector: {matchLabels: {app: a}}}]\n    ports: [{port: 80}]\n---\npodSelector: {matchLabels: {app: db}}\ningress:\n  - from: [{podSelector: {}}]',
  *check(input) {
    const redundancy = new Redundancy(input);
    const rules = groupBy(rulesOf(input), ({ object }) => object);
    for (const one of validPolicies(input)) {
      // A default deny has no rules, and says so on purpose, whatever else isolates its pods today.
      const containers = redundancy.containersOf(one, rules.get(one.object) ?? []);
      if (containers === undefined || containers.length === 0) continue;
      const names = [...new Set(containers.map(({ policy }) => policyKey(policy.ref)))];
      yield {
        object: one.object,
        path: ['spec'],
        part: 'key',
        message: `${names.join(' and ')} allow${names.length === 1 ? 's' : ''} everything that this policy allows, for the same pods`,
        related: containers
          .slice(0, 1)
          .map(({ object }) => ({ object, path: ['spec', 'podSelector'], message: 'selects at least the same pods' })),
      };
    }
  },
};
