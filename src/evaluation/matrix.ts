/**
 * What everyone may do towards everyone, as numbers.
 *
 *   isolation of a workload --> its row: per end, what its own policies allow --> a pair: both ends' rows together
 *
 * Workloads with the same isolation share their rows, so a thousand alike cost as much as one.
 */
import type { Family } from '../model/address.js';
import type { Direction } from '../model/policy.js';
import type { PolicyProgram } from '../program/types.js';
import { rangesOf } from '../addresses/address-ranges.js';
import { Allowances, everythingId, nothing, nothingId, type Allowance } from './allowances.js';
import type { ExternalRange } from './external-ranges.js';
import { memberOf, ProgramReader, type Way } from './evaluator.js';
import type { BlockOptions, Blocks } from './blocks.js';
import { noPorts } from './port-sets.js';
import type { Workload } from '../model/workload.js';

/** By end, what the own policies allow; `open`: everything, to and from everyone. */
export type Row = Uint32Array | 'open';

/** What a matrix is about; ends are numbered: the workloads, then the ranges. */
export interface MatrixEndpoints {
  readonly workloads: readonly Workload[];
  readonly ranges: readonly ExternalRange[];
}

interface Peers {
  readonly sure: readonly number[];
  readonly assumed: readonly number[];
}

export class Matrix {
  readonly endpoints: MatrixEndpoints;
  readonly allowances: Allowances;
  readonly reader: ProgramReader;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #rows = new Map<string, Row>();
  readonly #peers = new Map<string, Peers>();
  readonly #byWorkload: Record<Family, Partial<Record<Direction, readonly Row[]>>> = { IPv4: {}, IPv6: {} };

  /** @param allowances shared by matrices that are to be compared */
  constructor(program: PolicyProgram, ends: MatrixEndpoints, options: BlockOptions, allowances = new Allowances()) {
    this.endpoints = ends;
    this.allowances = allowances;
    this.reader = new ProgramReader(program, options);
    this.#numbers = new Map(ends.workloads.map((workload, number) => [memberOf(workload), number]));
  }

  /** What end `from` may open to end `to`; ranges judge nothing. */
  pair(from: number, to: number, family: Family): Allowance {
    const sent = cellOf(this.rows(family, 'egress')[from] ?? 'open', to);
    if (sent === nothingId) return nothing;
    return this.allowances.intersection(sent, cellOf(this.rows(family, 'ingress')[to] ?? 'open', from));
  }

  /** By workload; ranges have none, since nothing judges them. */
  rows(family: Family, direction: Direction): readonly Row[] {
    const made = this.#byWorkload[family];
    return (made[direction] ??= this.endpoints.workloads.map((workload) =>
      this.#rowOf(workload, { family, direction }),
    ));
  }

  #rowOf(own: Workload, way: Way): Row {
    const isolation = this.reader.endpointOf(own)?.[way.direction];
    if (isolation === undefined || isolation.kind === 'open') return 'open';
    // What a named port of an incoming connection means depends on the workload's own ports.
    const ports = way.direction === 'ingress' ? JSON.stringify(own.ports) : '';
    const key = `${way.family} ${way.direction} ${isolation.allowedBy.join()} ${ports}`;
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = new Uint32Array(this.endpoints.workloads.length + this.endpoints.ranges.length);
    for (const id of isolation.allowedBy)
      for (const rule of this.reader.program.ruleLists.get(id)?.rules ?? []) {
        const peers = rule.peer.kind === 'anyone' ? this.#everyone(way.family) : this.#group(rule.peer.of, way.family);
        const portsFor = (server: Workload | undefined) => this.reader.portsAllowed(rule, server);
        this.#add(row, peers, ownPorts(rule.port.kind, way.direction, own, portsFor));
      }
    this.#rows.set(key, row);
    return row;
  }

  #add(row: Uint32Array, { sure, assumed }: Peers, portsFor: PortsFor): void {
    const add = (numbers: readonly number[], isSure: boolean): void => {
      const idOf = (server: Workload | undefined): number => {
        const ports = portsFor.of(server);
        return this.allowances.idOf({ ports, sure: isSure ? ports : noPorts });
      };
      const same = portsFor.dependsOnPeer ? undefined : idOf(undefined);
      for (const number of numbers) {
        const id = same ?? idOf(this.endpoints.workloads[number]);
        row[number] = this.allowances.union(row[number] ?? nothingId, id);
      }
    };
    add(sure, true);
    add(assumed, false);
  }

  #everyone(family: Family): Peers {
    const known = this.#peers.get(family);
    if (known !== undefined) return known;
    const ranges = this.endpoints.ranges.flatMap((range, index) =>
      range.family === family ? [this.endpoints.workloads.length + index] : [],
    );
    const peers = { sure: [...this.endpoints.workloads.keys(), ...ranges], assumed: [] };
    this.#peers.set(family, peers);
    return peers;
  }

  #group(id: Parameters<ProgramReader['group']>[0], family: Family): Peers {
    const key = `${family} ${id}`;
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    const group = this.reader.group(id);
    const peers =
      group.kind === 'blocks'
        ? this.#inBlocks(group, family)
        : {
            sure: group.kind === 'pods' ? [...group.members].flatMap((member) => this.#numbers.get(member) ?? []) : [],
            assumed: [],
          };
    this.#peers.set(key, peers);
    return peers;
  }

  #inBlocks(group: Blocks, family: Family): Peers {
    const { workloads, ranges } = this.endpoints;
    const { blocks } = this.reader;
    const template = blocks.matchTemplate(group, family);
    const sure: number[] = [];
    const assumed: number[] = [];
    workloads.forEach((workload, number) => {
      const match =
        workload.addresses.length === 0 ? template : blocks.match(group, { kind: 'workload', workload }, family);
      if (match === 'yes') sure.push(number);
      if (match === 'assumed') assumed.push(number);
    });
    // Both are sorted, and no range lies on both sides of a block's border.
    const held = rangesOf(group.cidrs, family);
    let next = 0;
    ranges.forEach((range, index) => {
      if (range.family !== family) return;
      while (next < held.length && (held[next]?.last ?? range.first) < range.first) next += 1;
      const block = held[next];
      if (block !== undefined && block.first <= range.first) sure.push(workloads.length + index);
    });
    return { sure, assumed };
  }
}

export const cellOf = (row: Row, end: number): number => (row === 'open' ? everythingId : (row[end] ?? nothingId));

interface PortsFor {
  readonly dependsOnPeer: boolean;
  readonly of: (peer: Workload | undefined) => ReturnType<ProgramReader['portsAllowed']>;
}

/** A named port is one of the destination: of the own workload for ingress, of each peer for egress. */
function ownPorts(
  kind: 'anyPort' | 'range' | 'listeners',
  direction: Direction,
  own: Workload,
  portsFor: PortsFor['of'],
): PortsFor {
  if (kind !== 'listeners' || direction === 'ingress') return { dependsOnPeer: false, of: () => portsFor(own) };
  return { dependsOnPeer: true, of: portsFor };
}
