import { families, type Address } from '../../model/address.js';
import type { Group, GroupId } from '../../program/types.js';
import { peerElement, peerMapSets, type PeerMap } from './peer-maps.js';
import type { DesiredRuleset } from './desired.js';

/** The sets of all peer maps, held to the members of the groups that they look up. */
export class PeerMapSets {
  readonly #desired: DesiredRuleset;
  readonly #groups: (id: GroupId) => Group;
  /** Maps to look at again when a group's members change, by their ids. */
  readonly #mapsOfGroup = new Map<GroupId, Map<string, PeerMap>>();

  constructor(desired: DesiredRuleset, groups: (id: GroupId) => Group) {
    this.#desired = desired;
    this.#groups = groups;
  }

  /** Maps keep their names while their ports stay, so what changes in them are elements. */
  replace(old: readonly PeerMap[], maps: readonly PeerMap[]): void {
    const known = new Set(old.map(({ id }) => id));
    const kept = new Set(maps.map(({ id }) => id));
    for (const map of old) {
      for (const { peer } of map.entries) this.#mapsOfGroup.get(peer)?.delete(map.id);
      if (!kept.has(map.id)) for (const family of families) this.#desired.removeSet(map.names[family]);
    }
    for (const map of maps) {
      for (const { peer } of map.entries) {
        const users = this.#mapsOfGroup.get(peer);
        if (users === undefined) this.#mapsOfGroup.set(peer, new Map([[map.id, map]]));
        else users.set(map.id, map);
      }
      for (const set of peerMapSets(map, this.#groups))
        if (known.has(map.id)) this.#desired.replaceElements(set);
        else this.#desired.addSet(set);
    }
  }

  /** These addresses have joined the group or left it. */
  membersChanged(group: Group, members: readonly Address[]): void {
    for (const map of this.#mapsOfGroup.get(group.id)?.values() ?? [])
      for (const member of members) {
        const { set, verdict } = peerElement(map, member, this.#groups);
        this.#desired.setElement(set, member, verdict);
      }
  }

  groupRemoved(id: GroupId): void {
    this.#mapsOfGroup.delete(id);
  }
}
