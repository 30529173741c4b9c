/** What the policies that select one workload add up to, in each direction. */
import type { Family } from '../model/address.js';
import { families } from '../model/address.js';
import { directions, type Direction, type PolicyRef } from '../model/policy.js';
import { type PortSet } from '../model/reachability.js';
import { isAssumed, nothingId } from '../evaluation/allowances.js';
import { cellOf, type Matrix } from '../evaluation/matrix.js';
import type { RuleText } from '../evaluation/rule-text.js';
import type { ListedEndpoint } from './listed-endpoints.js';
import type { Workload } from '../model/workload.js';

export interface DirectionSummary {
  readonly direction: Direction;
  /** Nobody: everything is allowed. */
  readonly isolatedBy: readonly PolicyRef[];
  readonly rules: readonly RuleText[];
  /** By what is allowed: to or from whom, by id. Their own policies are not asked. */
  readonly sum: readonly Sum[];
}

interface Sum {
  readonly allowed: PortSet;
  readonly family?: Family;
  readonly assumed: boolean;
  readonly ids: readonly string[];
}

export function directionSummaries(
  matrix: Matrix,
  endpoints: readonly ListedEndpoint[],
  workload: Workload,
): readonly DirectionSummary[] {
  const { evaluator } = matrix;
  return directions.map((direction) => {
    const isolation = evaluator.isolation({ kind: 'workload', workload }, direction);
    if (isolation === undefined) return { direction, isolatedBy: [], rules: [], sum: [] };
    const rules = evaluator.describe(isolation.rules());
    return { direction, isolatedBy: isolation.by, rules, sum: sumOf(matrix, endpoints, workload, direction) };
  });
}

function sumOf(
  matrix: Matrix,
  endpoints: readonly ListedEndpoint[],
  workload: Workload,
  direction: Direction,
): readonly Sum[] {
  const own = matrix.endpoints.workloads.indexOf(workload);
  const sums = new Map<string, { id: number; family?: Family; ids: string[] }>();
  const add = (id: number, family: Family | undefined, { endpoint }: ListedEndpoint): void => {
    if (id === nothingId) return;
    const key = `${id} ${family ?? ''}`;
    const sum = sums.get(key) ?? { id, ids: [], ...(family === undefined ? {} : { family }) };
    sum.ids.push(endpoint.id);
    sums.set(key, sum);
  };
  for (const one of endpoints) {
    const found = families
      .filter((family) => one.families.includes(family))
      .map((family) => ({ family, id: cellOf(matrix.rows(family, direction)[own] ?? 'open', one.number) }));
    const [first] = found;
    if (first === undefined) continue;
    if (found.every(({ id }) => id === first.id)) add(first.id, undefined, one);
    else for (const { family, id } of found) add(id, family, one);
  }
  return [...sums.values()].map(({ id, ids, family }) => {
    const allowance = matrix.allowances.get(id);
    const of = family === undefined ? {} : { family };
    return { allowed: allowance.ports, ...of, assumed: isAssumed(allowance), ids };
  });
}
