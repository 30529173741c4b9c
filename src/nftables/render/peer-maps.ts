/**
 * Pods that many policies select. Trying one rule list after another costs a jump each, which a flood of denied packets
 * would pay for every packet; so rules that ask for the same ports share a verdict map from the peer's address to the
 * first rule that allows it, and the work is one look-up for every distinct list of ports.
 */
import { families, familyOf, type Address, type Family } from '../../model/address.js';
import type { Direction } from '../../model/policy.js';
import type { Group, GroupId } from '../../program/types.js';
import * as x from '../language/expressions.js';
import { addressType } from '../language/key-types.js';
import { hashOf } from '../names/hash.js';
import { sets } from '../names/sets.js';
import type { PortForm } from './port-forms.js';
import type { Chain, NftSet, Rule } from '../language/types.js';

/** One rule for one peer group and one form of ports, and where a packet goes that it allows. */
export interface PeerMapEntry {
  readonly ports: PortForm;
  readonly peer: GroupId;
  /** Counts for the rule, then goes on as the rule itself would. */
  readonly chain: Chain;
}

export interface PeerMap {
  /** What both names have in common. */
  readonly id: string;
  readonly names: Readonly<Record<Family, string>>;
  readonly ports: PortForm;
  /** The first that has an address decides. */
  readonly entries: readonly PeerMapEntry[];
}

const nameOf = (id: string, family: Family): string => sets.nameOf({ kind: 'peers', family, map: id });

/** Every element of such a map allows: one that moves from a rule to another takes nothing away. */
export const isPeerMap = (name: string): boolean => sets.meaningAs('peers', name) !== undefined;

/** One map for every distinct form of ports, in the order of the rules. */
export function peerMaps(isolation: string, entries: readonly PeerMapEntry[]): PeerMap[] {
  const byPorts = new Map<string, PeerMapEntry[]>();
  for (const entry of entries) {
    const list = byPorts.get(entry.ports.key);
    if (list === undefined) byPorts.set(entry.ports.key, [entry]);
    else list.push(entry);
  }
  return [...byPorts].map(([key, list]) => {
    const id = hashOf(isolation, key);
    const names = { IPv4: nameOf(id, 'IPv4'), IPv6: nameOf(id, 'IPv6') };
    return { id, names, ports: (list[0] as PeerMapEntry).ports, entries: list };
  });
}

/** The peer is the client of what comes in, and the server of what goes out. */
export const peerMapRules = (map: PeerMap, direction: Direction): Rule[] =>
  families.map((family) => ({
    statements: [
      x.ofFamily(family),
      ...map.ports.guard,
      ...map.ports.match(family),
      x.dispatch(direction === 'ingress' ? x.client(family) : x.server(family), map.names[family]),
    ],
  }));

/** Where an address stands in the map: its set, and the verdict of the first rule that has it as a peer. */
export function peerElement(
  map: PeerMap,
  address: Address,
  groups: (id: GroupId) => Group,
): { readonly set: string; readonly verdict: string | undefined } {
  const entry = map.entries.find(({ peer }) => membersOf(groups(peer)).has(address));
  return {
    set: map.names[familyOf(address)],
    verdict: entry === undefined ? undefined : `goto ${entry.chain.name}`,
  };
}

/** Both families' maps with everything that is in them. */
export function peerMapSets(map: PeerMap, groups: (id: GroupId) => Group): NftSet[] {
  const verdicts = new Map<Address, string>();
  for (const { peer, chain } of map.entries)
    for (const address of membersOf(groups(peer)))
      if (!verdicts.has(address)) verdicts.set(address, `goto ${chain.name}`);
  return families.map((family) => ({
    name: map.names[family],
    title: `peers${map.ports.text}`,
    type: [addressType(family)],
    verdicts: true,
    interval: false,
    elements: new Map([...verdicts].filter(([address]) => familyOf(address) === family)),
  }));
}

function membersOf(group: Group): ReadonlySet<Address> {
  if (group.kind !== 'pods') throw new Error(`${group.id} is no group of pods`);
  return group.members;
}
