/** The only reader of a rule: whether its peer matches an endpoint, and on which ports of the destination. */
import type { Address, Family } from '../model/address.js';
import type { PortRange } from '../model/reachability.js';
import {
  splitListener,
  type Group,
  type GroupId,
  type PeerMatch,
  type PolicyProgram,
  type PortMatch,
} from '../program/types.js';
import { BlockMatcher, type BlockOptions, type Membership } from './blocks.js';
import { programAddress, type FlowEndpoint } from './flow-endpoints.js';
import type { MatchedPorts } from './verdicts.js';

type ListenerGroup = Extract<Group, { kind: 'listeners' }>;

const none: readonly PortRange[] = [];

/** @throws for a rule that names no group of the program */
export function groupOf(program: PolicyProgram, id: GroupId): Group {
  const group = program.groups.get(id);
  if (group === undefined) throw new Error(`the program has no group ${id}, which a rule names`);
  return group;
}

/** Reads a program that does not change meanwhile. */
export class RuleMatcher {
  readonly #program: PolicyProgram;
  readonly #blocks: BlockMatcher;
  readonly #listeners = new Map<GroupId, ReadonlyMap<Address, readonly PortRange[]>>();

  constructor(program: PolicyProgram, options: BlockOptions) {
    this.#program = program;
    this.#blocks = new BlockMatcher(options);
  }

  matchPeer(peer: PeerMatch, endpoint: FlowEndpoint, family: Family): Membership {
    if (peer.kind === 'anyone') return 'yes';
    const group = groupOf(this.#program, peer.of);
    switch (group.kind) {
      case 'blocks':
        return this.#blocks.match(group, endpoint, family);
      case 'pods':
        return group.members.has(programAddress(endpoint)) ? 'yes' : 'no';
      case 'listeners':
        throw new Error(`group ${group.id} holds listeners, which are no peers`);
    }
  }

  /** A name is resolved where the connection ends, in both directions (SEMANTICS A6). */
  matchPort(port: PortMatch, destination: FlowEndpoint): MatchedPorts {
    if (port.kind === 'anyPort') return 'every';
    if (port.kind === 'range') return [port];
    const group = groupOf(this.#program, port.of);
    if (group.kind !== 'listeners') throw new Error(`group ${group.id} holds no listeners`);
    return this.#listenersIn(group).get(programAddress(destination)) ?? none;
  }

  /** It is a name: what it means is another thing for each destination. */
  dependsOnDestination(port: PortMatch): boolean {
    return port.kind === 'listeners';
  }

  #listenersIn(group: ListenerGroup): ReadonlyMap<Address, readonly PortRange[]> {
    const known = this.#listeners.get(group.id);
    if (known !== undefined) return known;
    const byAddress = new Map<Address, PortRange[]>();
    for (const member of group.members) {
      const { address, port } = splitListener(member);
      const range = { protocol: group.protocol, first: port, last: port };
      const ranges = byAddress.get(address);
      if (ranges === undefined) byAddress.set(address, [range]);
      else ranges.push(range);
    }
    this.#listeners.set(group.id, byAddress);
    return byAddress;
  }
}
