/** Which policies a chain denies for, and which isolate a pod: asked for packets that came by some time ago. */
import type { ClusterChange } from '../model/cluster.js';
import { directions, policyKey, type AnyPolicy, type Direction } from '../model/policy.js';
import type { Endpoint, Isolated, ProgramChange } from '../program/types.js';
import { Timeline } from './timeline.js';

export interface Isolating {
  readonly direction: Direction;
  /** Every policy that isolates. */
  readonly by: Isolated['by'];
}

/** How the kernel's side names the chain that packets end in which an isolation denies. */
export type ChainName = (direction: Direction, isolation: Isolated) => string;

/** A record may be read this long after its chain is gone. Milliseconds. */
const past = { kept: 10 * 60_000, pastKeys: 16_384 };

export class PolicyChains {
  readonly #nameOf: ChainName;
  readonly #chains = new Timeline<string, Isolating>(past);
  readonly #users = new Map<string, number>();
  readonly #endpoints = new Timeline<string, Endpoint>(past);
  readonly #policies = new Timeline<string, AnyPolicy>(past);

  constructor(nameOf: ChainName) {
    this.#nameOf = nameOf;
  }

  /** Chains that are about to be built, or to go: what a name means never changes. Times in milliseconds since 1970. */
  noted(endpoints: ProgramChange['endpoints'], time: number): void {
    for (const { before, after } of endpoints) {
      // First what comes: a chain that only changes its pods does not end.
      for (const [name, meaning] of this.#chainsOf(after)) this.#count(name, meaning, 1, time);
      for (const [name, meaning] of this.#chainsOf(before)) this.#count(name, meaning, -1, time);
    }
  }

  /** What is in the kernel from `time` on. */
  applied(changes: readonly ClusterChange[], endpoints: ProgramChange['endpoints'], time: number): void {
    for (const change of changes)
      if (change.kind === 'policy') this.#policies.set(policyKey(change.ref), change.policy, time);
    for (const { key, after } of endpoints) this.#endpoints.set(key, after, time);
  }

  meaningOf(chain: string, time: number): Isolating | undefined {
    return this.#chains.latest(chain, time);
  }

  /** Undefined when the pod was not isolated in this direction, or was no pod of this node. */
  isolationOf(pod: string, direction: Direction, time: number): Isolating | undefined {
    const isolation = this.#endpoints.at(pod, time)?.[direction];
    return isolation?.kind === 'isolated' ? { direction, by: isolation.by } : undefined;
  }

  isLocal(pod: string, time: number): boolean {
    return this.#endpoints.at(pod, time) !== undefined;
  }

  policyAt(key: string, time: number): AnyPolicy | undefined {
    return this.#policies.at(key, time);
  }

  #chainsOf(endpoint: Endpoint | undefined): (readonly [chain: string, meaning: Isolating])[] {
    return directions.flatMap((direction) => {
      const isolation = endpoint?.[direction];
      if (isolation?.kind !== 'isolated') return [];
      return [[this.#nameOf(direction, isolation), { direction, by: isolation.by }] as const];
    });
  }

  #count(name: string, meaning: Isolating, change: 1 | -1, time: number): void {
    const users = (this.#users.get(name) ?? 0) + change;
    if (users > 0) this.#users.set(name, users);
    else this.#users.delete(name);
    this.#chains.set(name, users > 0 ? meaning : undefined, time, () => true);
  }
}
