/** What somebody whom no manifest names may reach. */
import { families } from '../model/address.js';
import type { ClusterSnapshot } from '../model/cluster.js';
import type { Connection, ReachEndpoint } from '../model/reachability.js';
import { either, isAssumed, nothing, together, type Allowance } from '../evaluation/allowances.js';
import { externalRanges, internetRanges, partsOf } from '../evaluation/external-ranges.js';
import { Evaluator } from '../evaluation/evaluator.js';
import type { BlockOptions } from '../evaluation/blocks.js';
import { allPorts } from '../evaluation/port-sets.js';
import { compileWorkloads } from './compiled-workloads.js';
import { listedWorkload, type EndpointFilter } from './listed-endpoints.js';
import { allowanceOverAny } from './questions.js';
import type { Workload } from '../model/workload.js';

/** A pod without labels, in a namespace without labels. No object may be called so. */
const unknownPod: Workload = {
  id: 'unknown pod',
  namespace: '?',
  kind: 'Pod',
  name: '?',
  labels: {},
  ports: [],
  addresses: [],
  pods: [],
};

/** Connections into each workload that is asked about, from a pod that nobody knows, and from any public address. */
export function exposure(
  workloads: readonly Workload[],
  cluster: Pick<ClusterSnapshot, 'policies' | 'namespaces'>,
  { to: asked = () => allPorts, ...options }: BlockOptions & { readonly to?: EndpointFilter },
): { readonly endpoints: readonly ReachEndpoint[]; readonly connections: readonly Connection[] } {
  const program = compileWorkloads([...workloads, unknownPod], cluster);
  const evaluator = new Evaluator(program, options);
  const public_ = families
    .flatMap((family) => {
      const ranges = externalRanges([program], family);
      return internetRanges(family).flatMap((range) => partsOf(range, ranges));
    })
    .map((range) => ({ kind: 'address', address: range.sample }) as const);
  const unknownSource = { kind: 'workload', workload: unknownPod } as const;
  const destinations = workloads
    .map((workload, number) => listedWorkload(workload, number))
    .filter((endpoint) => asked(endpoint).length > 0);
  const connections = destinations.flatMap((destination) => {
    const { workload } = destination;
    if (workload === undefined) return [];
    const ports = asked(destination);
    const to = { kind: 'workload', workload } as const;
    const fromInternet = public_.map((from) => allowanceOverAny(evaluator, from, to)).reduce(either, nothing);
    return [
      ...connection('internet', workload.id, together(fromInternet, { ports, sure: ports })),
      ...connection(
        unknownPod.id,
        workload.id,
        together(allowanceOverAny(evaluator, unknownSource, to), { ports, sure: ports }),
      ),
    ];
  });
  const listed = destinations.map(({ endpoint }) => endpoint);
  const sources: readonly ReachEndpoint[] = [
    { id: 'internet', kind: 'internet' },
    { id: unknownPod.id, kind: 'unknownPod' },
  ];
  return { endpoints: [...sources, ...listed], connections: connections.sort((a, b) => (a.from < b.from ? -1 : 1)) };
}

const connection = (from: string, to: string, allowance: Allowance): readonly Connection[] =>
  allowance.ports.length === 0 ? [] : [{ from, to, allowed: allowance.ports, assumed: isAssumed(allowance) }];
