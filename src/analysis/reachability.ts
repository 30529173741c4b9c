/** Who may open connections to whom, over every pair of workloads and every range outside. */
import { compile } from '../compiler/compiler.js';
import type { DryRun } from '../compiler/endpoints.js';
import { families, numberToAddress, type Family } from '../model/address.js';
import type { ClusterSnapshot } from '../model/cluster.js';
import type { Pod } from '../model/pod.js';
import { directions } from '../model/policy.js';
import type { Connection, GroupedReachability, PortSet, ReachEndpoint } from '../model/reachability.js';
import type { PolicyProgram } from '../program/types.js';
import { either, isAssumed, isSameAllowance, nothing, type Allowance } from './allowances.js';
import { hasFamily } from './ends.js';
import { externalRanges, makeRange, rangeId, type ExternalRange } from './external-ranges.js';
import { groupEnds } from './groups.js';
import { memberOf } from './judge.js';
import { cellOf, Matrix } from './matrix.js';
import type { BlockOptions } from './pod-blocks.js';
import { allPorts, intersection } from './port-sets.js';
import type { Workload } from './workloads.js';

export interface ReachOptions extends BlockOptions {
  /** What the pods of one workload may say to each other, too. */
  readonly self: boolean;
  readonly from?: EndFilter;
  readonly to?: EndFilter;
}

/** Which ports of an end are asked about; none: it is not asked about at all. */
export type EndFilter = (end: ListedEnd) => PortSet;

/** The program of the cluster in which every workload is one pod; `none`: policies in a dry run count as enforced. */
export const compileWorkloads = (
  workloads: readonly Workload[],
  { policies, namespaces }: Pick<ClusterSnapshot, 'policies' | 'namespaces'>,
  dryRun: DryRun = 'annotated',
): PolicyProgram =>
  compile({ policies, namespaces, nodes: [], pods: workloads.map(workloadAsPod) }, { scope: 'everywhere', dryRun });

/** A pod whose only address is the workload's id. */
export const workloadAsPod = (workload: Workload): Pod => ({
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

/** All ends and what they may do towards each other. */
export class Reach {
  readonly ends: readonly ListedEnd[];
  readonly matrix: Matrix;
  readonly #options: ReachOptions;

  constructor(workloads: readonly Workload[], program: PolicyProgram, options: ReachOptions) {
    const ranges = families.flatMap((family) => externalRanges([program], family));
    this.matrix = new Matrix(program, { workloads, ranges }, options);
    this.ends = listedEnds(this.matrix);
    this.#options = options;
  }

  get endpoints(): readonly ReachEndpoint[] {
    const { from = everyEnd, to = everyEnd } = this.#options;
    return this.ends.filter((end) => isWanted(from(end)) || isWanted(to(end))).map(({ endpoint }) => endpoint);
  }

  /** Made as they are walked: there may be millions. */
  get connections(): Iterable<Connection> {
    return { [Symbol.iterator]: () => connectionsOf(this.matrix, this.ends, this.#options) };
  }

  grouped(): GroupedReachability {
    const { from = everyEnd, to = everyEnd } = this.#options;
    return groupEnds(this.matrix, this.ends, { from, to });
  }
}

/** Sorted by id. */
export function listedEnds(matrix: Matrix): readonly ListedEnd[] {
  return [
    ...matrix.ends.workloads.map((workload, number) => workloadEnd(workload, number)),
    ...mergeRanges(matrix).map(({ range, number }) => rangeEnd(range, number)),
  ].sort((a, b) => (a.endpoint.id < b.endpoint.id ? -1 : 1));
}

const everyEnd: EndFilter = () => allPorts;
const isWanted = (ports: PortSet): boolean => ports.length > 0;

/** An end as it is listed. */
export interface ListedEnd {
  readonly endpoint: ReachEndpoint;
  /** In the matrix. */
  readonly number: number;
  readonly workload?: Workload;
  readonly range?: ExternalRange;
  readonly families: readonly Family[];
  /** Has no address yet, so that it may be of any family. */
  readonly isTemplate: boolean;
}

export function workloadEnd(workload: Workload, number: number): ListedEnd {
  const { id, namespace, kind, name, labels } = workload;
  return {
    endpoint: { id, kind: 'workload', namespace, workload: { kind, name }, labels },
    number,
    workload,
    families: families.filter((family) => hasFamily({ kind: 'workload', workload }, family)),
    isTemplate: workload.addresses.length === 0,
  };
}

export function rangeEnd(range: ExternalRange, number: number): ListedEnd {
  const [first, last] = [range.first, range.last].map((value) => numberToAddress(value, range.family));
  if (first === undefined || last === undefined) throw new Error('a range has two ends');
  return {
    endpoint: { id: rangeId(range), kind: 'external', first, last },
    number,
    range,
    families: [range.family],
    isTemplate: false,
  };
}

/** The coarsest ranges: neighbours with equal connections are one. */
export function mergeRanges(matrix: Matrix): readonly { range: ExternalRange; number: number }[] {
  const { workloads, ranges } = matrix.ends;
  const rows = new Map(
    families.map((family) => [family, [...new Set(directions.flatMap((direction) => matrix.rows(family, direction)))]]),
  );
  const isSame = (family: Family, a: number, b: number): boolean =>
    (rows.get(family) ?? []).every((row) => cellOf(row, a) === cellOf(row, b));
  const merged: { range: ExternalRange; number: number }[] = [];
  ranges.forEach((range, index) => {
    const number = workloads.length + index;
    const last = merged.at(-1);
    if (last?.range.family === range.family && isSame(range.family, last.number, number))
      merged[merged.length - 1] = { ...last, range: makeRange(range.family, last.range.first, range.last) };
    else merged.push({ range, number });
  });
  return merged;
}

function* connectionsOf(
  matrix: Matrix,
  ends: readonly ListedEnd[],
  { self, from: fromFilter, to: toFilter }: ReachOptions,
): Generator<Connection> {
  const sources = ends.filter((end) => isWanted((fromFilter ?? everyEnd)(end)));
  const destinations = ends
    .map((end) => ({ end, asked: (toFilter ?? everyEnd)(end) }))
    .filter(({ asked }) => isWanted(asked));
  for (const from of sources)
    for (const { end: to, asked } of destinations) {
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

const none: ReturnType<typeof familiesOf> = [];

/** Asked for each of a million pairs: it makes no list. */
function commonTo(some: readonly Family[], others: readonly Family[]): readonly Family[] {
  if (some.length === families.length) return others;
  return others.length === families.length || some[0] === others[0] ? some : [];
}

/** What a pair is allowed: one entry without a family, unless the families differ. */
export function familiesOf(
  matrix: Matrix,
  from: ListedEnd,
  to: ListedEnd,
): readonly (readonly [Family | undefined, Allowance])[] {
  const [one, other] = commonTo(from.families, to.families);
  if (one === undefined) return none;
  const first = matrix.pair(from.number, to.number, one);
  const second = other === undefined ? first : matrix.pair(from.number, to.number, other);
  if (first === nothing && second === nothing) return none;
  if (other === undefined || isSameAllowance(first, second)) return [[undefined, first]];
  if (from.isTemplate && to.isTemplate) return [[undefined, either(first, second)]];
  return [
    [one, first],
    [other, second],
  ];
}
