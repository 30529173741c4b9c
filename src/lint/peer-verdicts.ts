/** What the other end of a rule says: the agent's own compiler, asked about pairs of workloads. */
import type { FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { Evaluator } from '../evaluation/evaluator.js';
import { allowanceIn } from '../evaluation/verdicts.js';
import { allPorts, intersection, portSet } from '../evaluation/port-sets.js';
import { compileWorkloads } from '../analysis/compiled-workloads.js';
import { workloadsOf } from '../analysis/workloads.js';
import type { Workload } from '../model/workload.js';
import { ownerKey } from '../model/workload.js';
import { families } from '../model/address.js';
import { groupBy } from '../generic/group-by.js';
import type { Direction, PolicyRef, PolicyRule, Port } from '../model/policy.js';
import type { PortSet } from '../model/reachability.js';
import { matches } from '../selectors/match.js';
import type { PodSelection } from '../selectors/selector-index.js';
import type { LintInput } from './types.js';
import type { RuleEntry } from './policy-parts.js';

export interface Denial {
  readonly by: readonly PolicyRef[];
  readonly workload: Workload;
}

const opposite = { ingress: 'egress', egress: 'ingress' } as const satisfies Record<Direction, Direction>;

export class PeerVerdicts {
  readonly #evaluator: Evaluator;
  readonly #input: LintInput;
  readonly #byOwner: ReadonlyMap<string, readonly Workload[]>;

  constructor(input: LintInput) {
    const { namespaces, podCidrs } = input;
    const policies = input.policies.flatMap(({ policy }) => policy ?? []);
    const workloads = workloadsOf(input.workloads, policies);
    const program = compileWorkloads(workloads, { policies, namespaces });
    this.#evaluator = new Evaluator(program, { ipBlocks: 'cluster', podCidrs });
    this.#input = input;
    this.#byOwner = groupBy(workloads, ownerKey);
  }

  /**
   * Where nobody whom the rule is about lets any of it happen: one of them, and who isolates it.
   * @param own the rule's pods, @param peers the pods at its other end
   */
  denial({ direction, rule }: RuleEntry, own: PodSelection, peers: PodSelection): Denial | undefined {
    let denial: Denial | undefined;
    const subjects = this.#workloadsOf(own);
    for (const workload of this.#workloadsOf(peers)) {
      const isolation = this.#evaluator.isolation(endpointOf(workload), opposite[direction]);
      if (isolation === undefined) return undefined;
      const allowsNothing = isolation.rules().length === 0;
      for (const subject of subjects) {
        const asked = portsAt(rule.ports, direction === 'ingress' ? subject : workload);
        if (asked.length === 0) continue;
        if (!allowsNothing && this.#lets(workload, subject, { direction: opposite[direction], asked }))
          return undefined;
        denial ??= { workload, by: isolation.by };
        // Who allows nothing denies all of them.
        if (allowsNothing) break;
      }
    }
    return denial;
  }

  #lets(own: Workload, peer: Workload, { direction, asked }: { direction: Direction; asked: PortSet }): boolean {
    return families.some((family) => {
      const verdict = this.#evaluator.verdict(endpointOf(own), endpointOf(peer), { family, direction });
      return intersection(allowanceIn(verdict).ports, asked).length > 0;
    });
  }

  #workloadsOf(selection: PodSelection): readonly Workload[] {
    const owners = new Set(this.#input.select(selection).map(({ owner }) => ownerKey(owner)));
    return [...owners]
      .flatMap((owner) => this.#byOwner.get(owner) ?? [])
      .filter(({ labels }) => matches(selection.pods, labels));
  }
}

const endpointOf = (workload: Workload): FlowEndpoint => ({ kind: 'workload', workload });

const portsAt = (ports: PolicyRule['ports'], server: Workload): PortSet =>
  ports === 'anyPort' ? allPorts : portSet(ports.flatMap((port) => rangesAt(port, server)));

/** @param server where a name is looked up */
function rangesAt(port: Port, server: Workload): PortSet {
  const { protocol } = port;
  if (port.kind === 'all') return allPorts.filter((one) => one.protocol === protocol);
  if (port.kind === 'range') return [{ protocol, first: port.first, last: port.last }];
  return server.ports
    .filter((one) => one.name === port.name && one.protocol === protocol)
    .map((one) => ({ protocol, first: one.port, last: one.port }));
}
