/** What the agent would say with the same limits. It is no rule of the catalogue: the limits are a cluster's own. */
import { excessText, type Excess, type Limits } from '../limits/limits.js';
import { policyWeight } from '../limits/memory-weights.js';
import { NamespaceCounts } from '../limits/namespace-counts.js';
import { countPolicy, policyExcesses, type PolicyCounts } from '../limits/policy-counts.js';
import { selects } from '../compiler/endpoints.js';
import { groupBy } from '../generic/group-by.js';
import { compareAge } from '../model/policy-age.js';
import { isEnforceable } from '../model/pod.js';
import { policyKey, type AnyPolicy } from '../model/policy.js';
import { ownerKey } from '../model/workload.js';
import type { PolicyObject } from './objects.js';
import type { LintInput, Rule, RuleMatch } from './types.js';

/** The limits of the agents that will read the input. */
export interface LintLimits {
  readonly limits: Limits;
  /** For the policies of a node, in bytes. */
  readonly memory: number;
}

export const overLimit = { id: 'NP500', name: 'over-limit' } as const;

export const limitRule = (limits: LintLimits): Rule => ({
  ...overLimit,
  severity: 'error',
  scope: 'document',
  confidence: 'proved',
  summary: 'more CIDR ranges, ports, rules, peers, bytes or policies than a limit of the agent (only with --limits)',
  why: 'The agent names what is over a limit; with --limits=enforce it fails closed, and what does not fit into memory always does.',
  bad: 'podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 192.0.2.1/32}}, …] # 100,001 of them',
  good: 'podSelector: {}\ningress:\n  - from: [{ipBlock: {cidr: 192.0.2.0/24}}]',
  *check(input) {
    const policies = input.policies.flatMap(({ policy, ...object }) =>
      policy === undefined ? [] : [{ object: { policy, ...object }, policy, counts: countPolicy(policy) }],
    );
    for (const one of policies) yield* ofPolicy(one, limits);
    for (const those of groupBy(policies, ({ policy }) => policy.ref.namespace).values())
      yield* ofNamespace(those, limits.limits);
    yield* ofPods(input, policies, limits.limits);
  },
});

interface CountedPolicy {
  readonly object: PolicyObject;
  readonly policy: AnyPolicy;
  readonly counts: PolicyCounts;
}

function* ofPolicy({ object, policy, counts }: CountedPolicy, { limits, memory }: LintLimits): Iterable<RuleMatch> {
  for (const excess of policyExcesses(policy, counts, limits))
    yield { object, path: excess.path, part: 'key', message: excessText(excess) };
  const { held, inForce } = policyWeight(counts);
  if (held + inForce > memory)
    yield { object, path: ['spec'], part: 'key', message: 'its rules would not fit into the memory of a node' };
}

/** Said of the first policy that is beyond. */
function* ofNamespace(policies: readonly CountedPolicy[], limits: Limits): Iterable<RuleMatch> {
  const namespace = new NamespaceCounts(limits);
  for (const { policy, counts } of policies) {
    const key = policyKey(policy.ref);
    namespace.set(key, { key, policy, counts, excesses: [], isRefused: false });
  }
  const beyond = namespace.beyond();
  const [first] = policies
    .filter(({ policy }) => beyond.has(policyKey(policy.ref)))
    .sort((a, b) => compareAge(a.policy, b.policy));
  if (first === undefined) return;
  const { object, policy } = first;
  for (const excess of namespace.excesses())
    yield { object, path: ['metadata'], message: `namespace ${policy.ref.namespace}: ${excessText(excess)}` };
}

/** Said of what makes the pod. */
function* ofPods(input: LintInput, policies: readonly CountedPolicy[], limits: Limits): Iterable<RuleMatch> {
  const byNamespace = groupBy(policies, ({ policy }) => policy.ref.namespace);
  const named = new Set<string>();
  for (const { owner, pod } of input.workloads) {
    const own = byNamespace.get(owner.namespace) ?? [];
    if (!isEnforceable(pod) || own.length <= limits.podPolicies || named.has(ownerKey(owner))) continue;
    const count = own.filter(({ policy }) => selects(policy, pod)).length;
    const excess: Excess = { limit: 'podPolicies', count, most: limits.podPolicies };
    const object = input.objectOf(owner.kind, owner.namespace, owner.name);
    if (count <= excess.most || object === undefined) continue;
    named.add(ownerKey(owner));
    yield { object, path: ['metadata'], message: excessText(excess) };
  }
}
