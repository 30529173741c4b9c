import type { SetUse } from './group-sets.js';
import type { DesiredRuleset } from './desired.js';
import type { PeerBuckets } from './peer-buckets.js';
import type { MutableSet } from '../language/mutable-ruleset.js';
import type { Chain } from '../language/types.js';

/** A chain that may be shared, and what its rules need; its name covers all of its content. */
export interface ChainNode {
  readonly chain: Chain;
  /** Chains that its rules lead to. */
  readonly targets: readonly ChainNode[];
  /** Counters of its rules that no rule list keeps. */
  readonly counters?: readonly string[];
  /** Sets that it looks up and that no rule list keeps. */
  readonly sets?: readonly MutableSet[];
  /** What it looks up in buckets. */
  readonly bucketed?: readonly SetUse[];
}

interface Entry {
  readonly node: ChainNode;
  users: number;
}

/** Chains that lead to other chains, each there while something leads to it. */
export class ChainTrees {
  readonly #desired: DesiredRuleset;
  readonly #buckets: PeerBuckets;
  readonly #entries = new Map<string, Entry>();

  constructor(desired: DesiredRuleset, buckets: PeerBuckets) {
    this.#desired = desired;
    this.#buckets = buckets;
  }

  /** The node of a chain that is there: it need not be built again. */
  known(name: string): ChainNode | undefined {
    return this.#entries.get(name)?.node;
  }

  retain(node: ChainNode): void {
    const known = this.#entries.get(node.chain.name);
    if (known !== undefined) {
      known.users += 1;
      return;
    }
    this.#entries.set(node.chain.name, { node, users: 1 });
    this.#desired.retainChain(node.chain);
    for (const target of node.targets) this.retain(target);
    for (const counter of node.counters ?? []) this.#desired.retainCounter(counter);
    for (const set of node.sets ?? []) this.#desired.retainSet(set);
    for (const pods of node.bucketed ?? []) this.#buckets.retain(pods);
  }

  release({ chain: { name } }: ChainNode): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new Error(`chain ${name} released more often than retained`);
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#entries.delete(name);
    this.#desired.releaseChain(name);
    const { node } = entry;
    for (const target of node.targets) this.release(target);
    for (const counter of node.counters ?? []) this.#desired.releaseCounter(counter);
    for (const set of node.sets ?? []) this.#desired.releaseSet(set.name);
    for (const pods of node.bucketed ?? []) this.#buckets.release(pods);
  }
}
