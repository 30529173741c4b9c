/**
 * What a policy takes of the memory that the agent, nft and the kernel share, estimated from its counts: the ceiling must
 * answer before anything is built.
 */
import type { PolicyCounts } from './policy-counts.js';

/** Bytes. */
export interface PolicyWeight {
  /** As an object in the agent, on every node. */
  readonly held: number;
  /** As rules and sets, where its namespace has pods: in the agent, in nft and in the kernel. */
  readonly inForce: number;
}

type Weights = Readonly<Record<keyof PolicyCounts | 'policy', number>>;

const held: Weights = { policy: 1_000, cidrs: 200, ports: 120, rules: 300, blockRules: 0, peers: 500, bytes: 2 };

/**
 * Measured on the real agent with nft 1.0.6, agent, children and kernel objects in one control group, 5 s after the last
 * switch: 100,000 ipBlocks in one rule took 255 MB, 50,000 excepts 152, 20,000 ports 52, 1,000 rules with an ipBlock and a
 * port each 132, 1,000 selectors of nobody 2.
 */
const inForce: Weights = {
  policy: 30_000,
  cidrs: 2_400,
  ports: 2_600,
  rules: 4_000,
  blockRules: 60_000,
  peers: 2_000,
  bytes: 0,
};

/** Bytes for all policies of a node: what the goal of 450 MB leaves beside Node, nft and the model of a large cluster. */
export const standardPolicyMemory = 300 * 1_000_000;

export const policyWeight = (counts: PolicyCounts): PolicyWeight => ({
  held: weigh(counts, held),
  inForce: weigh(counts, inForce),
});

const weigh = (counts: PolicyCounts, weights: Weights): number =>
  weights.policy +
  weights.cidrs * counts.cidrs +
  weights.ports * counts.ports +
  weights.rules * counts.rules +
  weights.blockRules * counts.blockRules +
  weights.peers * counts.peers +
  weights.bytes * counts.bytes;
