import { groupBy } from '../../generic/group-by.js';
import { policyKey, type PolicyRule } from '../../model/policy.js';
import { indexOfContainer } from '../peer-containers.js';
import { ruleWithin } from '../rule-containment.js';
import { Redundancy } from '../redundancy.js';
import { peersKey, type RuleEntry } from '../policy-parts.js';
import { rulesOf } from '../queries.js';
import type { RuleMatch, Rule, LintInput } from '../types.js';

export const rule: Rule = {
  id: 'NP409',
  name: 'redundant-rule',
  severity: 'info',
  scope: 'document',
  confidence: 'proved',
  summary: 'a rule or peer that another one contains, in the same policy or in another policy for the same pods',
  why: 'It allows nothing more; somebody who removes it later will think that access is closed.',
  bad: 'podSelector: {}\ningress:\n  - from: [{podSelector: {matchLabels: {app: a}}}, {podSelector: {}}]',
  good: 'podSelector: {}\ningress:\n  - from: [{podSelector: {matchLabels: {app: a}}}, {podSelector: {matchLabels: {app: b}}}]',
  *check(input) {
    for (const entry of rulesOf(input)) {
      const { object, policy, direction, rule: own, path } = entry;
      const container = containerAt(policy[direction] ?? [], Number(path.at(-1)), policy.ref.namespace);
      if (container !== undefined)
        yield { object, path, message: `spec.${direction}[${container}] allows everything that this rule allows` };
      else if (own.peers !== 'anyone') yield* redundantPeers(entry);
    }
    // Of policies that are not known, nothing is said: these may be variants of which only one is applied.
    if (input.closed) yield* inOtherPolicies(input);
  },
};

/** Blocks within blocks are NP308's. */
function* redundantPeers({ object, policy, direction, rule: { peers }, path }: RuleEntry): Iterable<RuleMatch> {
  if (peers === 'anyone') return;
  for (const [index, peer] of peers.entries()) {
    if (peer.kind !== 'pods') continue;
    const container = indexOfContainer(peers, index, policy.ref.namespace);
    if (container !== undefined)
      yield {
        object,
        path: [...path, peersKey(direction), index],
        message: `${peersKey(direction)}[${container}] of the same rule matches everything that this peer matches`,
      };
  }
}

/** The index of another rule that contains the one at `index`; of equals, the first one is no copy. */
function containerAt(rules: readonly PolicyRule[], index: number, namespace: string): number | undefined {
  const own = rules[index];
  if (own === undefined) return undefined;
  const found = rules.findIndex(
    (other, at) =>
      at !== index && ruleWithin(own, other, namespace) && (at < index || !ruleWithin(other, own, namespace)),
  );
  return found < 0 ? undefined : found;
}

function* inOtherPolicies(input: LintInput): Iterable<RuleMatch> {
  const redundancy = new Redundancy(input);
  for (const [object, rules] of groupBy(rulesOf(input), (entry) => entry.object)) {
    const [first] = rules;
    // NP408 says it of the whole policy.
    if (first === undefined || redundancy.containersOf(first, rules) !== undefined) continue;
    const around = redundancy.around(first);
    for (const { path, ...entry } of rules) {
      const container = redundancy.containerOf({ path, ...entry }, around);
      if (container === undefined) continue;
      const at = ['spec', entry.direction, container.index];
      yield {
        object,
        path,
        message: `${policyKey(container.policy.ref)} has a rule that allows everything that this one allows, for the same pods`,
        related: [{ object: container.object, path: at, message: 'the rule that contains it' }],
      };
    }
  }
}
