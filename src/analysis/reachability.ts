/** Who may open connections to whom, over every pair of workloads and every range outside. */
import { families } from '../model/address.js';
import type { Connection, GroupedReachability, PortSet, ReachEndpoint } from '../model/reachability.js';
import type { PolicyProgram } from '../program/types.js';
import { isAssumed } from '../evaluation/allowances.js';
import { externalRanges } from '../evaluation/external-ranges.js';
import { groupEndpoints } from './groups.js';
import { familiesOf, listedEndpoints, type EndpointFilter, type ListedEndpoint } from './listed-endpoints.js';
import { Matrix } from '../evaluation/matrix.js';
import type { BlockOptions } from '../evaluation/blocks.js';
import { allPorts, intersection } from '../evaluation/port-sets.js';
import type { Workload } from '../model/workload.js';

export interface ReachOptions extends BlockOptions {
  /** What the pods of one workload may say to each other, too. */
  readonly self: boolean;
  readonly from?: EndpointFilter;
  readonly to?: EndpointFilter;
}

/** All endpoints and what they may do towards each other. */
export class Reach {
  readonly listed: readonly ListedEndpoint[];
  readonly matrix: Matrix;
  readonly #options: ReachOptions;

  constructor(workloads: readonly Workload[], program: PolicyProgram, options: ReachOptions) {
    const ranges = families.flatMap((family) => externalRanges([program], family));
    this.matrix = new Matrix(program, { workloads, ranges }, options);
    this.listed = listedEndpoints(this.matrix);
    this.#options = options;
  }

  get endpoints(): readonly ReachEndpoint[] {
    const { from = everyEndpoint, to = everyEndpoint } = this.#options;
    return this.listed.filter((one) => isAsked(from(one)) || isAsked(to(one))).map(({ endpoint }) => endpoint);
  }

  /** Made as they are walked: there may be millions. */
  get connections(): Iterable<Connection> {
    return { [Symbol.iterator]: () => connectionsOf(this.matrix, this.listed, this.#options) };
  }

  grouped(): GroupedReachability {
    const { from = everyEndpoint, to = everyEndpoint } = this.#options;
    return groupEndpoints(this.matrix, this.listed, { from, to });
  }
}

const everyEndpoint: EndpointFilter = () => allPorts;
const isAsked = (ports: PortSet): boolean => ports.length > 0;

function* connectionsOf(
  matrix: Matrix,
  endpoints: readonly ListedEndpoint[],
  { self, from: fromFilter, to: toFilter }: ReachOptions,
): Generator<Connection> {
  const sources = endpoints.filter((one) => isAsked((fromFilter ?? everyEndpoint)(one)));
  const destinations = endpoints
    .map((endpoint) => ({ endpoint, asked: (toFilter ?? everyEndpoint)(endpoint) }))
    .filter(({ asked }) => isAsked(asked));
  for (const from of sources)
    for (const { endpoint: to, asked } of destinations) {
      if (from === to && !self) continue;
      if (from.range !== undefined && to.range !== undefined) continue;
      for (const [family, allowance] of familiesOf(matrix, from, to)) {
        const allowed = asked === allPorts ? allowance.ports : intersection(allowance.ports, asked);
        if (allowed.length === 0) continue;
        const of = family === undefined ? {} : { family };
        yield { from: from.endpoint.id, to: to.endpoint.id, ...of, allowed, assumed: isAssumed(allowance) };
      }
    }
}
