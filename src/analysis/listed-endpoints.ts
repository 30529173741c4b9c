/** Endpoints as they are listed: workloads, and the coarsest ranges of addresses outside; and what a pair of them is allowed. */
import { families, numberToAddress, type Family } from '../model/address.js';
import { directions } from '../model/policy.js';
import type { PortSet, ReachEndpoint } from '../model/reachability.js';
import { either, isSameAllowance, nothing, type Allowance } from '../evaluation/allowances.js';
import { hasFamily } from '../evaluation/flow-endpoints.js';
import { makeRange, rangeId, type ExternalRange } from '../evaluation/external-ranges.js';
import { cellOf, type Matrix } from '../evaluation/matrix.js';
import type { Workload } from '../model/workload.js';

export interface ListedEndpoint {
  readonly endpoint: ReachEndpoint;
  /** In the matrix. */
  readonly number: number;
  readonly workload?: Workload;
  readonly range?: ExternalRange;
  readonly families: readonly Family[];
  /** Has no address yet, so that it may be of any family. */
  readonly isTemplate: boolean;
}

/** Which ports of an endpoint are asked about; none: it is not asked about at all. */
export type EndpointFilter = (endpoint: ListedEndpoint) => PortSet;

/** Sorted by id. */
export function listedEndpoints(matrix: Matrix): readonly ListedEndpoint[] {
  return [
    ...matrix.endpoints.workloads.map((workload, number) => listedWorkload(workload, number)),
    ...mergeRanges(matrix).map(({ range, number }) => listedRange(range, number)),
  ].sort((a, b) => (a.endpoint.id < b.endpoint.id ? -1 : 1));
}

export function listedWorkload(workload: Workload, number: number): ListedEndpoint {
  const { id, namespace, kind, name, labels } = workload;
  return {
    endpoint: { id, kind: 'workload', namespace, workload: { kind, name }, labels },
    number,
    workload,
    families: families.filter((family) => hasFamily({ kind: 'workload', workload }, family)),
    isTemplate: workload.addresses.length === 0,
  };
}

function listedRange(range: ExternalRange, number: number): ListedEndpoint {
  const [first, last] = [range.first, range.last].map((value) => numberToAddress(value, range.family));
  if (first === undefined || last === undefined) throw new Error('a range has a first and a last address');
  return {
    endpoint: { id: rangeId(range), kind: 'external', first, last },
    number,
    range,
    families: [range.family],
    isTemplate: false,
  };
}

/** The coarsest ranges: neighbours with equal connections are one. */
function mergeRanges(matrix: Matrix): readonly { range: ExternalRange; number: number }[] {
  const { workloads, ranges } = matrix.endpoints;
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
      merged[merged.length - 1] = {
        ...last,
        range: makeRange(range.family, { first: last.range.first, last: range.last }),
      };
    else merged.push({ range, number });
  });
  return merged;
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
  from: ListedEndpoint,
  to: ListedEndpoint,
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
