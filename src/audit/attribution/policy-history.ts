/** What a chain that logs decides, and which policies isolate a pod: asked for packets that came by some time ago. */
import type { ClusterChange } from '../../model/cluster.js';
import { policyKey, type AnyPolicy, type Direction } from '../../model/policy.js';
import type { Decision } from '../../program/decision.js';
import { isAllowedBy } from '../../program/isolation.js';
import { ruleListId, type Endpoint, type Isolated, type ProgramChange, type RuleList } from '../../program/types.js';
import { Timeline } from '../timeline.js';

export interface IsolatingPolicies {
  readonly direction: Direction;
  /** Every policy that isolates. */
  readonly by: Isolated['by'];
}

type NamedDecision = readonly [chain: string, decision: Decision];

/** How the kernel's side names the chains that log packets, and what they decide. */
export interface DecisionNames {
  ofEndpoint(endpoint: Endpoint): readonly NamedDecision[];
  ofList(list: RuleList): readonly NamedDecision[];
  /** Of chains that every node has. */
  readonly always: readonly NamedDecision[];
}

/** A record may be read this long after its chain is gone. Milliseconds. */
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

  /** Chains that are about to be built, or to go: what a name means never changes. Times in milliseconds since 1970. */
  noted({ endpoints, ruleLists }: Pick<ProgramChange, 'endpoints' | 'ruleLists'>, time: number): void {
    for (const { before, after } of endpoints) this.#replace(before, after, (one) => this.#names.ofEndpoint(one), time);
    for (const { before, after } of ruleLists) this.#replace(before, after, (one) => this.#names.ofList(one), time);
  }

  /** What is in the kernel from `time` on. */
  applied(changes: readonly ClusterChange[], endpoints: ProgramChange['endpoints'], time: number): void {
    for (const change of changes)
      if (change.kind === 'policy') this.#policies.set(policyKey(change.ref), change.policy, time);
    for (const { key, after } of endpoints) this.#endpoints.set(key, after, time);
  }

  decisionOf(chain: string, time: number): Decision | undefined {
    return this.#always.get(chain) ?? this.#chains.latest(chain, time);
  }

  /** Undefined when the pod was not isolated in this direction, or was no pod of this node. */
  isolationOf(pod: string, direction: Direction, time: number): IsolatingPolicies | undefined {
    const isolation = this.#endpoints.at(pod, time)?.[direction];
    return isolation?.kind === 'isolated' ? { direction, by: isolation.by } : undefined;
  }

  /** Of a pod that this policy has allowed something: its state of that time, or the one that was on its way in. */
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
    // First what comes: a chain that only changes its pods does not end.
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
