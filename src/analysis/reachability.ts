/** Who may open connections to whom, over every pair of workloads and every range outside. */
import { compile } from '../compiler/compiler.js';
import { bitsOf, families, numberToAddress, type Address, type Family } from '../model/address.js';
import type { ClusterSnapshot } from '../model/cluster.js';
import type { Pod } from '../model/pod.js';
import type { PolicyProgram } from '../program/types.js';
import { commonFamilies, Judge, memberOf, rangeOf, type Allowed, type End, type JudgeOptions } from './judge.js';
import { allPorts, formatPorts, intersection, noPorts, type PortSet } from './port-sets.js';
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
  const members = new Map(workloads.map((workload) => [memberOf(workload), workload]));
  const inside = workloads.flatMap((from) => connectionsOf(judge, from, members, options.self));
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

/** From one workload to all others: only pairs that one of the ends' policies lets through are looked at. */
function connectionsOf(
  judge: Judge,
  from: Workload,
  members: ReadonlyMap<Address, Workload>,
  self: boolean,
): Connection[] {
  const reached = new Map<Workload, Found[]>();
  for (const family of families)
    for (const [to, allowed] of allowedFrom(judge, from, members, family)) {
      if (to === from && !self) continue;
      const found = reached.get(to);
      if (found === undefined) reached.set(to, [{ family, allowed }]);
      else found.push({ family, allowed });
    }
  return [...reached].flatMap(([to, found]) => {
    const common = commonFamilies({ kind: 'workload', workload: from }, { kind: 'workload', workload: to });
    return entries({ from: from.id, to: to.id }, common, found);
  });
}

interface Found {
  readonly family: Family;
  readonly allowed: Allowed;
}

const everything: Allowed = { ports: allPorts, assumed: false };

function* allowedFrom(
  judge: Judge,
  from: Workload,
  members: ReadonlyMap<Address, Workload>,
  family: Family,
): Generator<readonly [Workload, Allowed]> {
  const out = judge.peersOf(from, members, { family, direction: 'egress' });
  for (const to of out === 'everyone' ? members.values() : out.keys()) {
    const sent = out === 'everyone' ? everything : (out.get(to) ?? everything);
    const into = judge.peersOf(to, members, { family, direction: 'ingress' });
    const taken = into === 'everyone' ? everything : into.get(from);
    if (taken === undefined) continue;
    const ports = intersection(sent.ports, taken.ports);
    if (ports !== noPorts) yield [to, { ports, assumed: sent.assumed || taken.assumed }];
  }
}

/** Between a workload and an address outside. */
function connectionsBetween(judge: Judge, from: End, to: End): Connection[] {
  const common = commonFamilies(from, to);
  const found = common.map((family) => ({ family, allowed: judge.allowed(from, to, family) }));
  return entries({ from: idOf(from), to: idOf(to) }, common, found);
}

/** One entry for both families, unless they differ. */
function entries(
  ids: Pick<Connection, 'from' | 'to'>,
  common: readonly Family[],
  found: readonly Found[],
): Connection[] {
  const shown = found.filter(({ family, allowed }) => common.includes(family) && allowed.ports !== noPorts);
  const [first] = shown;
  if (first === undefined) return [];
  const { ports, assumed } = first.allowed;
  const same =
    shown.length === common.length &&
    shown.every(({ allowed }) => allowed.ports === ports && allowed.assumed === assumed);
  if (same) return [{ ...ids, allowed: ports, assumed }];
  return shown.map(({ family, allowed }) => ({ ...ids, family, allowed: allowed.ports, assumed: allowed.assumed }));
}

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
