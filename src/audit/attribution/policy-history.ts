/** What a logging chain decides and which policies isolate a pod, as of the time when a packet arrived. */
import type { ClusterChange } from '../../model/cluster.js';
import { policyKey, type AnyPolicy, type Direction } from '../../model/policy.js';
import type { Decision, NamedDecision } from '../../program/decision.js';
import { isAllowedBy } from '../../program/isolation.js';
import { ruleListId, type Endpoint, type Isolated, type ProgramChange, type RuleList } from '../../program/types.js';
import { Timeline } from '../timeline.js';

export interface IsolatingPolicies {
  readonly direction: Direction;
  /** Every isolating policy. */
  readonly by: Isolated['by'];
}

/** The names of the chains that log packets, and what each decides; nftables/ knows them. */
export interface DecisionNames {
  ofEndpoint(endpoint: Endpoint): readonly NamedDecision[];
  ofList(list: RuleList): readonly NamedDecision[];
  /** The chains that every node has. */
  readonly always: readonly NamedDecision[];
}

/** How long a chain that was removed stays known, in milliseconds: its packets may still be in the queue. */
const past = { kept: 10 * 60_000, pastKeys: 16_384 };

export class PolicyHistory {
  readonly #names: DecisionNames;
  readonly #always: ReadonlyMap<string, Decision>;
  readonly #chains = new Timeline<string, Decision>(past);
  readonly #users = new Map<string, number>();
  readonly #endpoints = new Timeline<string, Endpoint>(past);
  readonly #policies = new Timeline<string, AnyPolicy>(past);

  constructor(names: DecisionNames) {
    this.#names = names;
    this.#always = new Map(names.always);
  }

  /** Chains that are about to be added or removed. A name never changes its meaning. @param time in milliseconds since the epoch */
  changesCompiled({ endpoints, ruleLists }: Pick<ProgramChange, 'endpoints' | 'ruleLists'>, time: number): void {
    for (const { before, after } of endpoints) this.#replace(before, after, (one) => this.#names.ofEndpoint(one), time);
    for (const { before, after } of ruleLists) this.#replace(before, after, (one) => this.#names.ofList(one), time);
  }

  /** These changes are in the kernel from `time` on. */
  changesApplied(changes: readonly ClusterChange[], endpoints: ProgramChange['endpoints'], time: number): void {
    for (const change of changes)
      if (change.kind === 'policy') this.#policies.set(policyKey(change.ref), change.policy, time);
    for (const { key, after } of endpoints) this.#endpoints.set(key, after, time);
  }

  decisionOf(chain: string, time: number): Decision | undefined {
    return this.#always.get(chain) ?? this.#chains.latest(chain, time);
  }

  /** Undefined when the pod was not isolated in this direction, or is not on this node. */
  isolationOf(pod: string, direction: Direction, time: number): IsolatingPolicies | undefined {
    const isolation = this.#endpoints.at(pod, time)?.[direction];
    return isolation?.kind === 'isolated' ? { direction, by: isolation.by } : undefined;
  }

  /** The policies that isolate a pod which this policy allows: as of that time, or of the change that was being applied. */
  isolationAllowing(
    pod: string,
    { policy, direction }: Pick<RuleList, 'policy' | 'direction'>,
    time: number,
  ): Isolated['by'] {
    const list = ruleListId(policy, direction);
    const states = [this.#endpoints.at(pod, time), this.#endpoints.latest(pod, time)];
    const state = states.find((one) => one !== undefined && isAllowedBy(one, direction, list));
    const isolation = state?.[direction];
    return isolation?.kind === 'isolated' ? isolation.by : [];
  }

  isLocal(pod: string, time: number): boolean {
    return this.#endpoints.at(pod, time) !== undefined;
  }

  policyAt(key: string, time: number): AnyPolicy | undefined {
    return this.#policies.at(key, time);
  }

  #replace<T>(
    before: T | undefined,
    after: T | undefined,
    chainsOf: (value: T) => readonly NamedDecision[],
    time: number,
  ): void {
    // Added ones first: a chain that only changes its pods is not removed.
    if (after !== undefined) for (const [name, decision] of chainsOf(after)) this.#count(name, decision, 1, time);
    if (before !== undefined) for (const [name, decision] of chainsOf(before)) this.#count(name, decision, -1, time);
  }

  #count(name: string, decision: Decision, change: 1 | -1, time: number): void {
    const users = (this.#users.get(name) ?? 0) + change;
    if (users > 0) this.#users.set(name, users);
    else this.#users.delete(name);
    this.#chains.set(name, users > 0 ? decision : undefined, time, () => true);
  }
}
