/**
 * What everyone may do towards everyone, as numbers.
 *
 *   isolation of a workload --> its row: per endpoint, what its own policies allow --> a pair: both rows together
 *
 * Workloads with the same isolation share their rows, so a thousand alike cost as much as one.
 */
import type { Family } from '../model/address.js';
import type { Direction } from '../model/policy.js';
import type { AllowRule, PolicyProgram } from '../program/types.js';
import { Allowances, everythingId, nothing, nothingId, type Allowance } from './allowances.js';
import type { BlockOptions } from './blocks.js';
import { Evaluator, type Way } from './evaluator.js';
import type { FlowEndpoint, WorkloadEndpoint } from './flow-endpoints.js';
import { MatchingEndpoints, type NumberedEndpoints } from './matching-endpoints.js';
import { allowanceOn, portsOf } from './verdicts.js';

/** By endpoint, what the own policies allow; `open`: everything, to and from everyone. */
export type Row = Uint32Array | 'open';

export class Matrix {
  readonly endpoints: NumberedEndpoints;
  readonly allowances = new Allowances();
  readonly evaluator: Evaluator;
  readonly #matching: MatchingEndpoints;
  readonly #rows = new Map<string, Row>();
  readonly #byWorkload: Record<Family, Partial<Record<Direction, readonly Row[]>>> = { IPv4: {}, IPv6: {} };

  constructor(program: PolicyProgram, endpoints: NumberedEndpoints, options: BlockOptions) {
    this.endpoints = endpoints;
    this.evaluator = new Evaluator(program, options);
    this.#matching = new MatchingEndpoints(program, endpoints, this.evaluator.matcher);
  }

  /** What `source` may open to `destination`, by number; no policies select a range. */
  pair(source: number, destination: number, family: Family): Allowance {
    const sent = cellOf(this.rows(family, 'egress')[source] ?? 'open', destination);
    if (sent === nothingId) return nothing;
    return this.allowances.intersection(sent, cellOf(this.rows(family, 'ingress')[destination] ?? 'open', source));
  }

  /** By workload; ranges have none, since no policies select them. */
  rows(family: Family, direction: Direction): readonly Row[] {
    const made = this.#byWorkload[family];
    return (made[direction] ??= this.endpoints.workloads.map((workload) =>
      this.#rowOf({ kind: 'workload', workload }, { family, direction }),
    ));
  }

  #rowOf(own: WorkloadEndpoint, way: Way): Row {
    const isolation = this.evaluator.isolation(own, way.direction);
    if (isolation === undefined) return 'open';
    // What a named port of an incoming connection means depends on the workload's own ports.
    const ports = way.direction === 'ingress' ? JSON.stringify(own.workload.ports) : '';
    const key = `${way.family} ${way.direction} ${isolation.key} ${ports}`;
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = new Uint32Array(this.endpoints.workloads.length + this.endpoints.ranges.length);
    for (const rule of isolation.rules()) this.#add(row, rule, { own, ...way });
    this.#rows.set(key, row);
    return row;
  }

  #add(row: Uint32Array, rule: AllowRule, { own, family, direction }: Way & { readonly own: WorkloadEndpoint }): void {
    const { sure, assumed } = this.#matching.of(rule.peers, family);
    const { matcher } = this.evaluator;
    const add = (numbers: readonly number[], isAssumed: boolean): void => {
      if (numbers.length === 0) return;
      const idAt = (destination: FlowEndpoint): number =>
        this.allowances.idOf(allowanceOn(portsOf(matcher.matchPorts(rule.ports, destination)), isAssumed));
      // A named port is one of the destination: of the own workload for ingress, of each peer for egress.
      const isPeers = direction === 'egress' && matcher.dependsOnDestination(rule.ports);
      const same = isPeers ? undefined : idAt(own);
      for (const number of numbers)
        row[number] = this.allowances.union(row[number] ?? nothingId, same ?? idAt(this.#matching.endpointAt(number)));
    };
    add(sure, false);
    add(assumed, true);
  }
}

export const cellOf = (row: Row, endpoint: number): number =>
  row === 'open' ? everythingId : (row[endpoint] ?? nothingId);
