/**
 * What one end may do towards another, from the program alone. A workload stands in the program as a pod whose only
 * address is its id; what is outside stands for itself.
 */
import { CidrSearch } from '../evaluation/membership.js';
import { addressToNumber, bitsOf, families, familyOf, type Address, type Cidr, type Family } from '../model/address.js';
import type { Direction, PolicyRef } from '../model/policy.js';
import {
  listener,
  type AllowRule,
  type Endpoint,
  type Group,
  type GroupId,
  type PolicyProgram,
  type RuleOrigin,
} from '../program/types.js';
import { allPorts, intersection, noPorts, portSet, union, type PortSet } from './port-sets.js';
import type { Workload } from './workloads.js';

export type End =
  { readonly kind: 'workload'; readonly workload: Workload } | { readonly kind: 'address'; readonly address: Address };

/** Whether an ipBlock is about pods: `cluster` as the API asks of agents, `external` as offline analysers read it. */
export type BlockReading = 'cluster' | 'external';

export interface JudgeOptions {
  readonly ipBlocks: BlockReading;
  /** Where pods without an address may get theirs; none: anywhere in the family. */
  readonly podCidrs: readonly Cidr[];
}

export interface Allowed {
  readonly ports: PortSet;
  /** It rests on a block that covers every address that the pod may get. */
  readonly assumed: boolean;
}

export type Judgement =
  | { readonly kind: 'open' }
  | { readonly kind: 'isolated'; readonly by: readonly PolicyRef[]; readonly rules: readonly MatchingRule[] };

/** A rule whose peer matches, and the ports that it allows. */
export interface MatchingRule extends Allowed {
  readonly origin: RuleOrigin;
  /** It names no ports, so it allows what has none (ICMP and the like), too. */
  readonly everyProtocol: boolean;
}

interface Peer {
  readonly workload: Workload;
  readonly assumed: boolean;
}

/** What two rules allow together; assumed where the sure ones allow less. */
export function both(a: Allowed | undefined, b: Allowed): Allowed {
  if (a === undefined) return b;
  const ports = union(a.ports, b.ports);
  if (a.assumed === b.assumed) return { ports, assumed: a.assumed };
  return { ports, assumed: (a.assumed ? b : a).ports !== ports };
}

/** The address of a workload in a compiled program; no IP address begins so. */
export const memberOf = (workload: Workload): Address => `workload:${workload.id}` as Address;

export class Judge {
  readonly #program: PolicyProgram;
  readonly #options: JudgeOptions;
  readonly #endpoints = new Map<Address, Endpoint>();
  readonly #searches = new Map<GroupId, CidrSearch>();
  readonly #ranges = new Map<AllowRule, PortSet>();
  /** By block and family: the workloads that it is about. */
  readonly #blockPeers = new Map<string, readonly Peer[]>();
  readonly #peers = new Map<string, 'everyone' | ReadonlyMap<Workload, Allowed>>();

  constructor(program: PolicyProgram, options: JudgeOptions) {
    this.#program = program;
    this.#options = options;
    for (const endpoint of program.endpoints.values())
      for (const address of endpoint.addresses) this.#endpoints.set(address, endpoint);
  }

  /** What `from` may open to `to` over one family. */
  allowed(from: End, to: End, family: Family): Allowed {
    const out = this.#portsOf(from, to, { family, direction: 'egress' });
    if (out.ports === noPorts) return out;
    const into = this.#portsOf(to, from, { family, direction: 'ingress' });
    const ports = intersection(out.ports, into.ports);
    return { ports, assumed: out.assumed || into.assumed };
  }

  /** Whether `from` may send `to` what has no ports: ICMP and the like. */
  allowsWithoutPorts(from: End, to: End, family: Family): boolean {
    const lets = (own: End, peer: End, direction: Direction): boolean => {
      const judgement = this.judge(own, peer, { family, direction });
      return judgement.kind === 'open' || judgement.rules.some(({ everyProtocol }) => everyProtocol);
    };
    return lets(from, to, 'egress') && lets(to, from, 'ingress');
  }

  /** Everyone of `among` whom `own` may open to, or who may open to it, as far as its own policies are asked. */
  peersOf(
    own: Workload,
    among: ReadonlyMap<Address, Workload>,
    { family, direction }: { family: Family; direction: Direction },
  ): 'everyone' | ReadonlyMap<Workload, Allowed> {
    const key = `${direction} ${family} ${own.id}`;
    const known = this.#peers.get(key) ?? this.#findPeers(own, among, { family, direction });
    this.#peers.set(key, known);
    return known;
  }

  #findPeers(
    own: Workload,
    among: ReadonlyMap<Address, Workload>,
    { family, direction }: { family: Family; direction: Direction },
  ): 'everyone' | ReadonlyMap<Workload, Allowed> {
    const isolation = this.#endpoints.get(memberOf(own))?.[direction];
    if (isolation === undefined || isolation.kind === 'open') return 'everyone';
    const found = new Map<Workload, Allowed>();
    for (const id of isolation.allowedBy)
      for (const rule of this.#program.ruleLists.get(id)?.rules ?? [])
        for (const { workload, assumed } of this.#peersIn(rule, among, family)) {
          const ports = this.#portsAllowed(rule, direction === 'ingress' ? own : workload);
          if (ports !== noPorts) found.set(workload, both(found.get(workload), { ports, assumed }));
        }
    return found;
  }

  #peersIn({ peer }: AllowRule, among: ReadonlyMap<Address, Workload>, family: Family): readonly Peer[] {
    const sure = (workload: Workload): Peer => ({ workload, assumed: false });
    if (peer.kind === 'anyone') return [...among.values()].map(sure);
    const group = this.#group(peer.of);
    if (group.kind === 'pods')
      return [...group.members].flatMap((member) => {
        const workload = among.get(member);
        return workload === undefined ? [] : [sure(workload)];
      });
    const key = `${family} ${group.id}`;
    const known = this.#blockPeers.get(key);
    if (known !== undefined) return known;
    const peers = [...among.values()].flatMap((workload) => {
      const match = this.#matchesBlock(group, { kind: 'workload', workload }, family);
      return match === 'no' ? [] : [{ workload, assumed: match === 'assumed' }];
    });
    this.#blockPeers.set(key, peers);
    return peers;
  }

  /** Why: who isolates `own` in this direction, and which rules let `peer` through. */
  judge(own: End, peer: End, { family, direction }: { family: Family; direction: Direction }): Judgement {
    const endpoint = own.kind === 'workload' ? this.#endpoints.get(memberOf(own.workload)) : undefined;
    const isolation = endpoint?.[direction];
    if (isolation === undefined || isolation.kind === 'open') return { kind: 'open' };
    const destination = direction === 'ingress' ? own : peer;
    const rules = isolation.allowedBy.flatMap((id) =>
      (this.#program.ruleLists.get(id)?.rules ?? []).flatMap((rule) => {
        const match = this.#matchesPeer(rule, peer, family);
        const server = destination.kind === 'workload' ? destination.workload : undefined;
        const ports = match === 'no' ? noPorts : this.#portsAllowed(rule, server);
        return ports === noPorts
          ? []
          : [
              {
                origin: rule.origin,
                everyProtocol: rule.port.kind === 'anyPort',
                ports,
                assumed: match === 'assumed',
              },
            ];
      }),
    );
    return { kind: 'isolated', by: isolation.by, rules };
  }

  #portsOf(own: End, peer: End, how: { family: Family; direction: Direction }): Allowed {
    const judgement = this.judge(own, peer, how);
    if (judgement.kind === 'open') return { ports: allPorts, assumed: false };
    return judgement.rules.reduce<Allowed | undefined>(both, undefined) ?? { ports: noPorts, assumed: false };
  }

  #matchesPeer({ peer }: AllowRule, end: End, family: Family): 'yes' | 'assumed' | 'no' {
    if (peer.kind === 'anyone') return 'yes';
    const group = this.#group(peer.of);
    if (group.kind === 'pods')
      return end.kind === 'workload' && group.members.has(memberOf(end.workload)) ? 'yes' : 'no';
    return this.#matchesBlock(group, end, family);
  }

  #matchesBlock(group: Group, end: End, family: Family): 'yes' | 'assumed' | 'no' {
    if (group.kind !== 'blocks') throw new Error(`group ${group.id} holds listeners, which are no peers`);
    if (end.kind === 'address') return this.#search(group).contains(end.address) ? 'yes' : 'no';
    if (this.#options.ipBlocks === 'external') return 'no';
    const own = end.workload.addresses.filter((address) => familyOf(address) === family);
    if (own.length > 0) return own.some((address) => this.#search(group).contains(address)) ? 'yes' : 'no';
    return this.#coversPods(group, family) ? 'assumed' : 'no';
  }

  /** Every address that a pod of this family may get. */
  #coversPods(group: Extract<Group, { kind: 'blocks' }>, family: Family): boolean {
    const ranges = this.#options.podCidrs.filter((cidr) => cidr.family === family);
    const wanted =
      ranges.length > 0 ? ranges : [{ family, address: (family === 'IPv4' ? '0.0.0.0' : '::') as Address, prefix: 0 }];
    const blocks = group.cidrs.filter((cidr) => cidr.family === family).map(rangeOf);
    return wanted.map(rangeOf).every((range) => covered(range, blocks));
  }

  /** @param server undefined for an address outside, which has no named ports */
  #portsAllowed(rule: AllowRule, server: Workload | undefined): PortSet {
    const { port } = rule;
    if (port.kind === 'anyPort') return allPorts;
    if (port.kind === 'range') {
      const ports = this.#ranges.get(rule) ?? portSet([port]);
      this.#ranges.set(rule, ports);
      return ports;
    }
    if (server === undefined) return noPorts;
    const group = this.#group(port.of);
    if (group.kind !== 'listeners') throw new Error(`group ${group.id} holds no listeners`);
    const member = memberOf(server);
    const numbers = server.ports.filter(
      (one) => one.protocol === port.protocol && group.members.has(listener(member, one.port)),
    );
    return portSet(numbers.map((one) => ({ protocol: one.protocol, first: one.port, last: one.port })));
  }

  #group(id: GroupId): Group {
    const group = this.#program.groups.get(id);
    if (group === undefined) throw new Error(`the program has no group ${id}, which a rule names`);
    return group;
  }

  #search(group: Extract<Group, { kind: 'blocks' }>): CidrSearch {
    const search = this.#searches.get(group.id) ?? new CidrSearch(group.cidrs);
    this.#searches.set(group.id, search);
    return search;
  }
}

/** The families that two ends have in common; a workload without addresses may have either. */
export const commonFamilies = (from: End, to: End): readonly Family[] =>
  families.filter((family) => hasFamily(from, family) && hasFamily(to, family));

function hasFamily(end: End, family: Family): boolean {
  if (end.kind === 'address') return familyOf(end.address) === family;
  const { addresses } = end.workload;
  return addresses.length === 0 || addresses.some((address) => familyOf(address) === family);
}

interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

export function rangeOf({ family, address, prefix }: Cidr): Range {
  const first = addressToNumber(address);
  return { first, last: first + (1n << BigInt(bitsOf(family) - prefix)) - 1n };
}

/** `blocks` are disjoint and sorted. */
function covered({ first, last }: Range, blocks: readonly Range[]): boolean {
  let next = first;
  for (const block of blocks) {
    if (block.last < next) continue;
    if (block.first > next) return false;
    next = block.last + 1n;
    if (next > last) return true;
  }
  return false;
}
