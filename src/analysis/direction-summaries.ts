/** What the policies that select one workload add up to, in each direction. */
import type { Family } from '../model/address.js';
import { families } from '../model/address.js';
import { directions, type Direction, type PolicyRef } from '../model/policy.js';
import { formatPorts, type PortSet } from '../model/reachability.js';
import type { AllowRule, RuleOrigin } from '../program/types.js';
import { isAssumed, nothingId } from '../evaluation/allowances.js';
import { cellOf, type Matrix } from '../evaluation/matrix.js';
import type { ListedEndpoint } from './listed-endpoints.js';
import type { Workload } from '../model/workload.js';

export interface DirectionSummary {
  readonly direction: Direction;
  /** Nobody: everything is allowed. */
  readonly isolatedBy: readonly PolicyRef[];
  readonly rules: readonly { readonly origin: RuleOrigin; readonly peers: string; readonly ports: string }[];
  /** By what is allowed: to or from whom, by id. The other ends' own policies are not asked. */
  readonly sum: readonly Sum[];
}

export interface Sum {
  readonly allowed: PortSet;
  readonly family?: Family;
  readonly assumed: boolean;
  readonly ids: readonly string[];
}

export function directionSummaries(
  matrix: Matrix,
  ends: readonly ListedEndpoint[],
  workload: Workload,
): readonly DirectionSummary[] {
  return directions.map((direction) => {
    const isolation = matrix.reader.endpointOf(workload)?.[direction];
    if (isolation === undefined || isolation.kind === 'open') return { direction, isolatedBy: [], rules: [], sum: [] };
    const rules = isolation.allowedBy
      .flatMap((id) => matrix.reader.program.ruleLists.get(id)?.rules ?? [])
      .map((rule) => ({ origin: rule.origin, peers: peersText(matrix, rule), ports: portsText(matrix, rule) }));
    return { direction, isolatedBy: isolation.by, rules, sum: sumOf(matrix, ends, workload, direction) };
  });
}

function peersText(matrix: Matrix, { peer }: AllowRule): string {
  return peer.kind === 'anyone' ? 'anyone' : matrix.reader.group(peer.of).title;
}

function portsText(matrix: Matrix, { port }: AllowRule): string {
  if (port.kind === 'anyPort') return 'all ports';
  if (port.kind === 'range') return formatPorts([{ ...port, first: Math.max(port.first, 1) }]);
  return `${port.protocol} ${matrix.reader.group(port.of).title.split('/')[0] ?? ''}`;
}

function sumOf(
  matrix: Matrix,
  ends: readonly ListedEndpoint[],
  workload: Workload,
  direction: Direction,
): readonly Sum[] {
  const own = matrix.endpoints.workloads.indexOf(workload);
  const sums = new Map<string, { id: number; family?: Family; ids: string[] }>();
  const add = (id: number, family: Family | undefined, end: ListedEndpoint): void => {
    if (id === nothingId) return;
    const key = `${id} ${family ?? ''}`;
    const sum = sums.get(key) ?? { id, ids: [], ...(family === undefined ? {} : { family }) };
    sum.ids.push(end.endpoint.id);
    sums.set(key, sum);
  };
  for (const end of ends) {
    const found = families
      .filter((family) => end.families.includes(family))
      .map((family) => ({ family, id: cellOf(matrix.rows(family, direction)[own] ?? 'open', end.number) }));
    const [first] = found;
    if (first === undefined) continue;
    if (found.every(({ id }) => id === first.id)) add(first.id, undefined, end);
    else for (const { family, id } of found) add(id, family, end);
  }
  return [...sums.values()].map(({ id, ids, family }) => {
    const allowance = matrix.allowances.get(id);
    const of = family === undefined ? {} : { family };
    return { allowed: allowance.ports, ...of, assumed: isAssumed(allowance), ids };
  });
}
