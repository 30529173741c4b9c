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

const held: Weights = { policy: 1_000, cidrs: 200, ports: 120, rules: 300, peers: 500, bytes: 2 };
const inForce: Weights = { policy: 8_000, cidrs: 1_200, ports: 600, rules: 4_000, peers: 2_000, bytes: 0 };

/** Bytes for all policies of a node: what the goal of 450 MB leaves beside Node, nft and the model of a large cluster. */
export const standardPolicyMemory = 250 * 1_000_000;

export const policyWeight = (counts: PolicyCounts): PolicyWeight => ({
  held: weigh(counts, held),
  inForce: weigh(counts, inForce),
});

const weigh = (counts: PolicyCounts, weights: Weights): number =>
  weights.policy +
  weights.cidrs * counts.cidrs +
  weights.ports * counts.ports +
  weights.rules * counts.rules +
  weights.peers * counts.peers +
  weights.bytes * counts.bytes;
