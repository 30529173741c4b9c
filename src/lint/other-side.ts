/** What the other end of a rule says: the agent's own compiler, asked about pairs of workloads. */
import { Matrix, cellOf } from '../analysis/matrix.js';
import { allPorts, intersection, portSet } from '../analysis/port-sets.js';
import { compileWorkloads } from '../analysis/reachability.js';
import { workloadsOf, type Workload } from '../analysis/workloads.js';
import { families } from '../model/address.js';
import type { Direction, PolicyRef, Port } from '../model/policy.js';
import type { PortSet } from '../model/reachability.js';
import { matches } from '../selectors/match.js';
import type { PodSelection } from '../selectors/selector-index.js';
import type { World } from './types.js';
import type { RuleEntry } from './world.js';

export interface Denial {
  readonly by: readonly PolicyRef[];
  readonly workload: Workload;
}

const opposite = { ingress: 'egress', egress: 'ingress' } as const satisfies Record<Direction, Direction>;

export class OtherSide {
  readonly #matrix: Matrix;
  readonly #byNamespace = new Map<string, number[]>();
  readonly #labels: ReadonlyMap<string, Readonly<Record<string, string>>>;

  constructor({ workloads: entries, policies: objects, namespaces, podCidrs }: World) {
    const policies = objects.flatMap(({ policy }) => policy ?? []);
    const workloads = workloadsOf(entries, policies);
    const program = compileWorkloads(workloads, { policies, namespaces });
    this.#matrix = new Matrix(program, { workloads, ranges: [] }, { ipBlocks: 'cluster', podCidrs });
    this.#labels = new Map(namespaces.map(({ name, labels }) => [name, labels]));
    for (const [number, { namespace }] of workloads.entries())
      this.#byNamespace.set(namespace, [...(this.#byNamespace.get(namespace) ?? []), number]);
  }

  /**
   * Where nobody whom the rule is about lets any of it happen: one of them, and who isolates it.
   * @param own the rule's pods, @param peers the pods at its other end
   */
  denial({ direction, rule }: RuleEntry, own: PodSelection, peers: PodSelection): Denial | undefined {
    let denied: number | undefined;
    const subjects = this.#numbersOf(own);
    for (const peer of this.#numbersOf(peers))
      for (const subject of subjects) {
        const server = this.#matrix.ends.workloads[direction === 'ingress' ? subject : peer];
        const asked = rule.ports === 'anyPort' ? allPorts : portSet(rule.ports.flatMap((one) => rangesAt(one, server)));
        if (asked.length === 0) continue;
        if (this.#lets(peer, subject, { direction: opposite[direction], asked })) return undefined;
        denied ??= peer;
      }
    const workload = denied === undefined ? undefined : this.#matrix.ends.workloads[denied];
    const isolation = workload && this.#matrix.reader.endpointOf(workload)?.[opposite[direction]];
    return workload && isolation?.kind === 'isolated' ? { workload, by: isolation.by } : undefined;
  }

  #lets(own: number, peer: number, { direction, asked }: { direction: Direction; asked: PortSet }): boolean {
    return families.some((family) => {
      const cell = cellOf(this.#matrix.rows(family, direction)[own] ?? 'open', peer);
      return intersection(this.#matrix.allowances.get(cell).ports, asked).length > 0;
    });
  }

  #numbersOf({ namespaces, pods }: PodSelection): readonly number[] {
    const names =
      'name' in namespaces
        ? [namespaces.name]
        : [...this.#byNamespace.keys()].filter((name) => matches(namespaces, this.#labels.get(name) ?? {}));
    return names
      .flatMap((name) => this.#byNamespace.get(name) ?? [])
      .filter((number) => matches(pods, this.#matrix.ends.workloads[number]?.labels ?? {}));
  }
}

/** @param server where a name is looked up */
function rangesAt(port: Port, server: Workload | undefined): PortSet {
  const { protocol } = port;
  if (port.kind === 'all') return allPorts.filter((one) => one.protocol === protocol);
  if (port.kind === 'range') return [{ protocol, first: port.first, last: port.last }];
  return (server?.ports ?? [])
    .filter((one) => one.name === port.name && one.protocol === protocol)
    .map((one) => ({ protocol, first: one.port, last: one.port }));
}
