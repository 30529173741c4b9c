/** Reachability between sets of endpoints that no policy distinguishes: what is readable at a thousand workloads. */
import { groupBy } from '../generic/group-by.js';
import { families } from '../model/address.js';
import { directions } from '../model/policy.js';
import type { GroupedConnection, GroupedReachability } from '../model/reachability.js';
import { isAssumed } from '../evaluation/allowances.js';
import { cellOf, type Matrix, type Row } from '../evaluation/matrix.js';
import { intersection, keyOf, noPorts } from '../evaluation/port-sets.js';
import { familiesOf, type EndpointFilter, type ListedEndpoint } from './listed-endpoints.js';

/** Which endpoints are asked about as sources and as destinations, and on which ports. */
interface Asked {
  readonly from: EndpointFilter;
  readonly to: EndpointFilter;
}

export function groupEndpoints(
  matrix: Matrix,
  endpoints: readonly ListedEndpoint[],
  asked: Asked,
): GroupedReachability {
  const signature = signatures(matrix);
  const keyOfOne = (one: ListedEndpoint): string =>
    `${one.endpoint.kind} ${keyOf(asked.from(one))} ${keyOf(asked.to(one))} ${signature(one)}`;
  const groups = [...groupBy(endpoints, keyOfOne).values()];
  return {
    groups: groups.map((members) => members.map(({ endpoint }) => endpoint.id)),
    destinations: [...groups.keys()].filter((index) => groups[index]?.some((one) => asked.to(one).length > 0)),
    connections: connectionsBetween(matrix, groups, asked),
  };
}

function connectionsBetween(
  matrix: Matrix,
  groups: readonly (readonly ListedEndpoint[])[],
  asked: Asked,
): readonly GroupedConnection[] {
  const connections: GroupedConnection[] = [];
  const portsTo = groups.map(([member]) => (member === undefined ? noPorts : asked.to(member)));
  const isSource = groups.map(([member]) => member !== undefined && asked.from(member).length > 0);
  for (const [to, server] of groups.entries())
    for (const [from, client] of groups.entries()) {
      const source = client[0];
      // Two different members stand for what a group allows itself.
      const destination = from === to ? server[1] : server[0];
      if (source === undefined || destination === undefined || isSource[from] !== true) continue;
      if (source.endpoint.kind === 'external' && destination.endpoint.kind === 'external') continue;
      for (const [family, allowance] of familiesOf(matrix, source, destination)) {
        const allowed = intersection(allowance.ports, portsTo[to] ?? noPorts);
        if (allowed.length === 0) continue;
        const of = family === undefined ? {} : { family };
        connections.push({ from, to, ...of, allowed, assumed: isAssumed(allowance) });
      }
    }
  return connections;
}

/** Equal for endpoints whose policies allow the same, and whom all policies allow the same. */
function signatures(matrix: Matrix): (listed: ListedEndpoint) => string {
  const rows = new Map<Row, number>();
  for (const family of families)
    for (const direction of directions)
      for (const row of matrix.rows(family, direction)) if (!rows.has(row)) rows.set(row, rows.size);
  const distinct = [...rows.keys()];
  return ({ number, families: own, isTemplate }) => {
    const ownRows = families.flatMap((family) =>
      directions.map((direction) => rows.get(matrix.rows(family, direction)[number] ?? 'open') ?? 'none'),
    );
    const cells = distinct.map((row) => cellOf(row, number));
    return `${own.join()} ${String(isTemplate)} ${ownRows.join()} ${cells.join()}`;
  };
}
