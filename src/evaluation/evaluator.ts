/**
 * What one end may do towards another, and why, from the program alone. A workload stands in the program as a pod whose
 * only address is its id; what is outside stands for itself.
 */
import type { Address, Family } from '../model/address.js';
import type { Direction, PolicyRef } from '../model/policy.js';
import type { PortSet } from '../model/reachability.js';
import {
  listener,
  type AllowRule,
  type Endpoint,
  type Group,
  type GroupId,
  type PolicyProgram,
  type RuleOrigin,
} from '../program/types.js';
import { either, everything, nothing, together, type Allowance } from './allowances.js';
import { commonFamilies, isSamePod, type FlowEndpoint } from './flow-endpoints.js';
import { BlockMatcher, type BlockOptions, type Membership } from './blocks.js';
import { allPorts, noPorts, portSet } from './port-sets.js';
import type { Workload } from '../model/workload.js';

export type Judgement =
  /** A pod to itself, and a pod and its own node, whatever policies say. */
  | { readonly kind: 'itself' | 'ownNode' | 'open' }
  | { readonly kind: 'isolated'; readonly by: readonly PolicyRef[]; readonly rules: readonly MatchingRule[] };

/** A rule whose peer matches, and the ports that it allows. */
export interface MatchingRule {
  readonly origin: RuleOrigin;
  readonly ports: PortSet;
  /** It rests on a block that covers every address that the pod may get. */
  readonly assumed: boolean;
  /** It names no ports, so it allows what has none (ICMP and the like), too. */
  readonly everyProtocol: boolean;
}

export interface Way {
  readonly family: Family;
  readonly direction: Direction;
}

/** The address of a workload in a compiled program; no IP address begins so. */
export const memberOf = (workload: Workload): Address => `workload:${workload.id}` as Address;

/** Reads a compiled program of workloads. */
export class ProgramReader {
  readonly program: PolicyProgram;
  readonly blocks: BlockMatcher;
  readonly #endpoints = new Map<Address, Endpoint>();
  readonly #ranges = new Map<string, PortSet>();

  constructor(program: PolicyProgram, options: BlockOptions) {
    this.program = program;
    this.blocks = new BlockMatcher(options);
    for (const endpoint of program.endpoints.values())
      for (const address of endpoint.addresses) this.#endpoints.set(address, endpoint);
  }

  endpointOf(workload: Workload): Endpoint | undefined {
    return this.#endpoints.get(memberOf(workload));
  }

  group(id: GroupId): Group {
    const group = this.program.groups.get(id);
    if (group === undefined) throw new Error(`the program has no group ${id}, which a rule names`);
    return group;
  }

  matchesPeer({ peer }: AllowRule, end: FlowEndpoint, family: Family): Membership {
    if (peer.kind === 'anyone') return 'yes';
    const group = this.group(peer.of);
    if (group.kind === 'blocks') return this.blocks.match(group, end, family);
    if (group.kind === 'listeners') throw new Error(`group ${group.id} holds listeners, which are no peers`);
    return end.kind === 'workload' && group.members.has(memberOf(end.workload)) ? 'yes' : 'no';
  }

  /** @param server where the connection ends; undefined for an address outside, which has no named ports */
  portsAllowed({ port }: AllowRule, server: Workload | undefined): PortSet {
    if (port.kind === 'anyPort') return allPorts;
    if (port.kind === 'range') {
      const key = `${port.protocol} ${port.first} ${port.last}`;
      const ports = this.#ranges.get(key) ?? portSet([port]);
      this.#ranges.set(key, ports);
      return ports;
    }
    if (server === undefined) return noPorts;
    const group = this.group(port.of);
    if (group.kind !== 'listeners') throw new Error(`group ${group.id} holds no listeners`);
    const member = memberOf(server);
    const numbers = server.ports.filter(
      (one) => one.protocol === port.protocol && group.members.has(listener(member, one.port)),
    );
    return portSet(numbers.map((one) => ({ protocol: one.protocol, first: one.port, last: one.port })));
  }
}

/** Answers for single pairs, with reasons. */
export class Judge {
  readonly reader: ProgramReader;

  constructor(program: PolicyProgram, options: BlockOptions) {
    this.reader = new ProgramReader(program, options);
  }

  /** What `from` may open to `to` over one family. */
  allowed(from: FlowEndpoint, to: FlowEndpoint, family: Family): Allowance {
    const out = sumOf(this.judge(from, to, { family, direction: 'egress' }));
    return together(out, sumOf(this.judge(to, from, { family, direction: 'ingress' })));
  }

  /** Over any family that they have in common. */
  allowedSomehow(from: FlowEndpoint, to: FlowEndpoint): Allowance {
    return commonFamilies(from, to)
      .map((family) => this.allowed(from, to, family))
      .reduce(either, nothing);
  }

  /** Whether `from` may send `to` what has no ports: ICMP and the like. */
  allowsWithoutPorts(from: FlowEndpoint, to: FlowEndpoint, family: Family): boolean {
    const lets = (own: FlowEndpoint, peer: FlowEndpoint, direction: Direction): boolean => {
      const judgement = this.judge(own, peer, { family, direction });
      return judgement.kind !== 'isolated' || judgement.rules.some(({ everyProtocol }) => everyProtocol);
    };
    return lets(from, to, 'egress') && lets(to, from, 'ingress');
  }

  /** Why: who isolates `own` in this direction, and which rules let `peer` through. */
  judge(own: FlowEndpoint, peer: FlowEndpoint, { family, direction }: Way): Judgement {
    if (own.kind === 'address') return { kind: 'open' };
    if (isSamePod(own, peer)) return { kind: 'itself' };
    if (own.pod !== undefined && peer.kind === 'address' && peer.nodes?.includes(own.pod.node) === true)
      return { kind: 'ownNode' };
    const isolation = this.reader.endpointOf(own.workload)?.[direction];
    if (isolation === undefined || isolation.kind === 'open') return { kind: 'open' };
    const destination = direction === 'ingress' ? own : peer;
    const server = destination.kind === 'workload' ? destination.workload : undefined;
    const rules = isolation.allowedBy
      .flatMap((id) => this.reader.program.ruleLists.get(id)?.rules ?? [])
      .flatMap((rule): readonly MatchingRule[] => {
        const match = this.reader.matchesPeer(rule, peer, family);
        const ports = match === 'no' ? noPorts : this.reader.portsAllowed(rule, server);
        const everyProtocol = rule.port.kind === 'anyPort';
        return ports.length === 0 ? [] : [{ origin: rule.origin, ports, assumed: match === 'assumed', everyProtocol }];
      });
    return { kind: 'isolated', by: isolation.by, rules };
  }
}

/** What a judgement allows in its direction. */
export const sumOf = (judgement: Judgement): Allowance =>
  judgement.kind !== 'isolated'
    ? everything
    : judgement.rules.map(({ ports, assumed }) => ({ ports, sure: assumed ? noPorts : ports })).reduce(either, nothing);
