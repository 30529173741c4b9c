/** The only reader of a rule: which of its peers match an endpoint, and on which ports of the destination. */
import type { Address, Family } from '../model/address.js';
import type { PortRange } from '../model/reachability.js';
import {
  splitListener,
  type AllowRule,
  type Group,
  type GroupId,
  type PeerMatch,
  type PolicyProgram,
  type PortMatch,
  type RulePeer,
  type RulePort,
} from '../program/types.js';
import { BlockMatcher, type BlockOptions } from './blocks.js';
import { programAddress, type FlowEndpoint } from './flow-endpoints.js';
import type { MatchedPeer, MatchedPort, MatchedRule } from './verdicts.js';

type PodPeer = Extract<RulePeer, { kind: 'pods' }>;
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
  readonly #podPeers = new Map<PeerMatch, readonly PodPeer[]>();
  readonly #listeners = new Map<GroupId, ReadonlyMap<Address, readonly PortRange[]>>();

  constructor(program: PolicyProgram, options: BlockOptions) {
    this.#program = program;
    this.#blocks = new BlockMatcher(options);
  }

  /** Undefined where the rule matches neither this peer, nor any port of this destination. */
  match(
    { origin, peers, ports }: AllowRule,
    { peer, destination, family }: { peer: FlowEndpoint; destination: FlowEndpoint; family: Family },
  ): MatchedRule | undefined {
    const matched = this.matchPeers(peers, peer, family);
    if (matched.length === 0) return undefined;
    const on = this.matchPorts(ports, destination);
    return on.length === 0 ? undefined : { origin, peers: matched, ports: on };
  }

  /** In the order of the YAML. */
  matchPeers(peers: PeerMatch, endpoint: FlowEndpoint, family: Family): readonly MatchedPeer[] {
    if (peers.kind === 'anyone') return [{ assumed: false }];
    const pods = this.#podPeersOf(peers).flatMap(({ index, of }): readonly MatchedPeer[] =>
      this.#podsOf(of).has(programAddress(endpoint)) ? [{ index, assumed: false }] : [],
    );
    const { blocks, assumed } = this.#blocks.matching(peers, endpoint, family);
    if (blocks.length === 0) return pods;
    const matched = [...pods, ...blocks.map(({ index }): MatchedPeer => ({ index, assumed }))];
    return matched.sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
  }

  /** In the order of the YAML. A name is resolved where the connection ends, in both directions (SEMANTICS A6). */
  matchPorts(ports: PortMatch, destination: FlowEndpoint): readonly MatchedPort[] {
    if (ports.kind === 'anyPort') return [{ ports: 'every' }];
    return ports.of.flatMap((port) => {
      const ranges = this.#rangesOf(port, destination);
      return ranges.length === 0 ? [] : [{ index: port.index, ports: ranges }];
    });
  }

  /** It has names: what they mean is another thing for each destination. */
  dependsOnDestination(ports: PortMatch): boolean {
    return ports.kind === 'union' && ports.of.some(({ kind }) => kind === 'listeners');
  }

  /** Of a rule with thousands of blocks, few are pods. */
  #podPeersOf(peers: PeerMatch): readonly PodPeer[] {
    const known = this.#podPeers.get(peers);
    if (known !== undefined) return known;
    const own = peers.kind === 'anyone' ? [] : peers.of.filter((peer) => peer.kind === 'pods');
    this.#podPeers.set(peers, own);
    return own;
  }

  #podsOf(id: GroupId): ReadonlySet<Address> {
    const group = groupOf(this.#program, id);
    if (group.kind === 'pods') return group.members;
    throw new Error(`group ${group.id} holds listeners, which are no peers`);
  }

  #rangesOf(port: RulePort, destination: FlowEndpoint): readonly PortRange[] {
    if (port.kind === 'range') return [{ protocol: port.protocol, first: port.first, last: port.last }];
    const group = groupOf(this.#program, port.of);
    if (group.kind !== 'listeners') throw new Error(`group ${group.id} holds no listeners`);
    return this.#listenersIn(group).get(programAddress(destination)) ?? none;
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
