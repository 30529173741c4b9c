/** Who may open connections to whom, over every pair of workloads and every range outside. */
import { compile } from '../compiler/compiler.js';
import { bitsOf, families, numberToAddress, type Address, type Family } from '../model/address.js';
import type { ClusterSnapshot } from '../model/cluster.js';
import type { Pod } from '../model/pod.js';
import type { PolicyProgram } from '../program/types.js';
import { commonFamilies, Judge, memberOf, rangeOf, type Allowed, type End, type JudgeOptions } from './judge.js';
import { formatPorts, noPorts, type PortSet } from './port-sets.js';
import type { Workload } from './workloads.js';

export interface ExternalRange {
  /** `first-last`. */
  readonly id: string;
  readonly first: Address;
  readonly last: Address;
}

export interface Connection {
  readonly from: string;
  readonly to: string;
  /** Only where the families differ. */
  readonly family?: Family;
  readonly allowed: PortSet;
  readonly assumed: boolean;
}

export interface Reachability {
  readonly workloads: readonly Workload[];
  readonly external: readonly ExternalRange[];
  /** Pairs with something allowed, by their ids. */
  readonly connections: readonly Connection[];
}

export interface ReachOptions extends JudgeOptions {
  /** What the pods of one workload may say to each other, too. */
  readonly self: boolean;
}

/** The program of the cluster in which every workload is one pod. */
export const compileWorkloads = (
  workloads: readonly Workload[],
  { policies, namespaces }: Pick<ClusterSnapshot, 'policies' | 'namespaces'>,
): PolicyProgram => compile({ policies, namespaces, nodes: [], pods: workloads.map(podOf) }, { scope: 'everywhere' });

const podOf = (workload: Workload): Pod => ({
  ref: { namespace: workload.namespace, name: workload.id },
  uid: workload.id,
  labels: workload.labels,
  addresses: [memberOf(workload)],
  ports: workload.ports,
  node: '',
  hostNetwork: false,
  phase: 'Running',
  deleting: false,
  created: 0,
});

export function reachability(
  workloads: readonly Workload[],
  program: PolicyProgram,
  options: ReachOptions,
): Reachability {
  const judge = new Judge(program, options);
  const ends = workloads.map((workload): End => ({ kind: 'workload', workload }));
  const inside = ends.flatMap((from) =>
    ends.flatMap((to) => (from === to && !options.self ? [] : connectionsBetween(judge, from, to))),
  );
  const outside = families.flatMap((family) => externalRanges(judge, ends, boundaries(program, family), family));
  return {
    workloads,
    external: outside.map(({ range }) => range).sort(byId),
    connections: [...inside, ...outside.flatMap(({ connections }) => connections)].sort(byEnds),
  };
}

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
const byEnds = (a: Connection, b: Connection): number =>
  a.from !== b.from
    ? a.from < b.from
      ? -1
      : 1
    : a.to !== b.to
      ? a.to < b.to
        ? -1
        : 1
      : (a.family ?? '') < (b.family ?? '')
        ? -1
        : 1;

const idOf = (end: End): string => (end.kind === 'workload' ? end.workload.id : end.address);

/** One entry for both families, unless they differ. */
function connectionsBetween(judge: Judge, from: End, to: End): Connection[] {
  const found = commonFamilies(from, to).map((family) => ({ family, ...judge.allowed(from, to, family) }));
  const [first] = found;
  if (first === undefined) return [];
  const same = found.every(({ ports, assumed }) => ports === first.ports && assumed === first.assumed);
  const ids = { from: idOf(from), to: idOf(to) };
  const entries = same
    ? [{ ...ids, ...entry(first) }]
    : found.map((one) => ({ ...ids, family: one.family, ...entry(one) }));
  return entries.filter(({ allowed }) => allowed !== noPorts);
}

const entry = ({ ports, assumed }: Allowed): Pick<Connection, 'allowed' | 'assumed'> => ({ allowed: ports, assumed });

/** First addresses of the ranges within which no block tells addresses apart. */
function boundaries(program: PolicyProgram, family: Family): readonly bigint[] {
  const starts = new Set([0n]);
  const end = 1n << BigInt(bitsOf(family));
  for (const group of program.groups.values()) {
    if (group.kind !== 'blocks') continue;
    for (const cidr of group.cidrs) {
      if (cidr.family !== family) continue;
      const { first, last } = rangeOf(cidr);
      starts.add(first);
      if (last + 1n < end) starts.add(last + 1n);
    }
  }
  return [...starts].sort((a, b) => (a < b ? -1 : 1));
}

interface External {
  readonly range: ExternalRange;
  readonly connections: readonly Connection[];
}

/** The coarsest ranges: neighbours with equal connections are one. */
function externalRanges(judge: Judge, ends: readonly End[], starts: readonly bigint[], family: Family): External[] {
  const merged: { first: bigint; key: string; connections: readonly Connection[] }[] = [];
  for (const first of starts) {
    const outside: End = { kind: 'address', address: numberToAddress(first, family) };
    const connections = ends.flatMap((end) => [
      ...connectionsBetween(judge, end, outside),
      ...connectionsBetween(judge, outside, end),
    ]);
    const key = connections
      .map(({ from, to, allowed }) => `${from === idOf(outside) ? `<${to}` : `>${from}`} ${formatPorts(allowed)}`)
      .join('\n');
    if (merged.at(-1)?.key !== key) merged.push({ first, key, connections });
  }
  return merged.map(({ first, connections }, index) => {
    const last = (merged[index + 1]?.first ?? 1n << BigInt(bitsOf(family))) - 1n;
    const [from, to] = [numberToAddress(first, family), numberToAddress(last, family)];
    const range = { id: `${from}-${to}`, first: from, last: to };
    const renamed = (id: string): string => (id === from ? range.id : id);
    return {
      range,
      connections: connections.map((one) => ({ ...one, from: renamed(one.from), to: renamed(one.to) })),
    };
  });
}
