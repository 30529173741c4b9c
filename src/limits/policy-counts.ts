/** How large a policy is, from the policy alone: the cost is proportional to its text, whatever it selects. */
import { sumOf } from '../generic/sum-of.js';
import type { Diagnostic } from '../model/diagnostic.js';
import { directions, type AnyPolicy, type NetworkPolicy, type PolicyRule } from '../model/policy.js';
import type { Excess, LimitName, Limits } from './limits.js';

export interface PolicyCounts {
  /** Each ipBlock and each of its excepts: so many elements of sets, however the blocks overlap. */
  readonly cidrs: number;
  readonly ports: number;
  readonly rules: number;
  /** Those that select pods. */
  readonly peers: number;
  /** Rules with ipBlocks: each has a set of its own. */
  readonly blockRules: number;
  /** Of its spec as JSON; 0 where nobody has measured it. */
  readonly bytes: number;
}

type Counted = Exclude<keyof PolicyCounts, 'bytes'>;
type Limited = Exclude<keyof PolicyCounts, 'blockRules'>;

/** A policy that fails closed has no rules any more: it counts as its bytes. */
export function countPolicy(policy: AnyPolicy): PolicyCounts {
  const rules = policy.kind === 'broken' ? [] : directions.flatMap((direction) => policy[direction] ?? []);
  const sum = (what: Counted): number => sumOf(rules, (rule) => countsInRule[what](rule));
  const { bytes = 0 } = policy;
  return {
    cidrs: sum('cidrs'),
    ports: sum('ports'),
    rules: rules.length,
    peers: sum('peers'),
    blockRules: sum('blockRules'),
    bytes,
  };
}

const countsInRule: Readonly<Record<Counted, (rule: PolicyRule) => number>> = {
  cidrs: ({ peers }) =>
    peers === 'anyone' ? 0 : sumOf(peers, (peer) => (peer.kind === 'ipBlock' ? 1 + peer.except.length : 0)),
  ports: ({ ports }) => (ports === 'anyPort' ? 0 : ports.length),
  rules: () => 1,
  blockRules: ({ peers }) => (peers !== 'anyone' && peers.some(({ kind }) => kind === 'ipBlock') ? 1 : 0),
  peers: ({ peers }) => (peers === 'anyone' ? 0 : sumOf(peers, ({ kind }) => (kind === 'pods' ? 1 : 0))),
};

const limitOf = {
  cidrs: 'policyCidrs',
  ports: 'policyPorts',
  rules: 'policyRules',
  peers: 'policyPeers',
  bytes: 'policyBytes',
} as const satisfies Readonly<Record<Limited, LimitName>>;

const limited = Object.keys(limitOf) as readonly Limited[];

/** An excess of one policy, with the field that has most of it. */
export interface PolicyExcess extends Excess {
  readonly path: Diagnostic['path'];
}

/** Every limit of a policy that its counts are over. */
export function policyExcesses(policy: AnyPolicy, counts: PolicyCounts, limits: Limits): readonly PolicyExcess[] {
  return limited
    .filter((what) => counts[what] > limits[limitOf[what]])
    .map((what) => ({
      limit: limitOf[what],
      count: counts[what],
      most: limits[limitOf[what]],
      path: fieldWithMost(policy, what),
    }));
}

function fieldWithMost(policy: AnyPolicy, what: Limited): Diagnostic['path'] {
  if (policy.kind === 'broken' || what === 'bytes') return ['spec'];
  if (what === 'rules') return ['spec', directionWithMost(policy)];
  let most = 0;
  let path: Diagnostic['path'] = ['spec'];
  for (const direction of directions)
    for (const [index, rule] of (policy[direction] ?? []).entries()) {
      const count = countsInRule[what](rule);
      if (count <= most) continue;
      most = count;
      path = ['spec', direction, index, what === 'ports' ? 'ports' : direction === 'ingress' ? 'from' : 'to'];
    }
  return path;
}

const directionWithMost = ({ ingress = [], egress = [] }: NetworkPolicy): 'ingress' | 'egress' =>
  ingress.length >= egress.length ? 'ingress' : 'egress';
