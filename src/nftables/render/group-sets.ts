/** Groups of the program as sets, one for each family that this node's pods have: shared by every rule that looks the group up, there while one does. */
import { familyOf, type Address, type Family } from '../../model/address.js';
import {
  splitListener,
  type Group,
  type GroupChange,
  type GroupId,
  type Listener,
  type Member,
} from '../../program/types.js';
import { joinKey } from '../language/elements.js';
import { hashOf } from '../names/hash.js';
import { sets } from '../names/sets.js';
import { addressType } from '../language/key-types.js';
import type { KeyType, NftSet } from '../language/types.js';
import type { DesiredRuleset } from './desired.js';

/** A set that a rule looks up: everything that any of some groups of one kind holds. */
export interface SetUse {
  /** The group's own, where it is one only. */
  readonly id: GroupId;
  readonly kind: Group['kind'];
  readonly title: string;
  readonly names: Readonly<Record<Family, string>>;
  readonly groups: readonly GroupId[];
}

interface GroupSet {
  readonly use: SetUse;
  /** Its elements, of both families. */
  readonly elements: Set<string>;
  users: number;
}

/** Pods that joined or left what a rule looks up. */
export interface PodsChange {
  readonly group: Extract<Group, { kind: 'pods' }>;
  readonly members: readonly Address[];
}

const typeOf = (kind: Group['kind'], family: Family): readonly KeyType[] =>
  kind === 'pods' ? [addressType(family)] : [addressType(family), 'inet_proto', 'inet_service'];

/** The element of a group's member. */
function elementOf(group: Group, member: Member): string {
  if (group.kind === 'pods') return member;
  const { address, port } = splitListener(member as Listener);
  return joinKey(address, group.protocol.toLowerCase(), port);
}

/** An element begins with an address. */
const familyOfElement = (element: string): Family => familyOf(element as Address);

export class GroupSets {
  readonly #desired: DesiredRuleset;
  readonly #groups = new Map<GroupId, Group>();
  readonly #sets = new Map<GroupId, GroupSet>();
  /** The sets that hold a group's members. */
  readonly #setsOfGroup = new Map<GroupId, Set<GroupSet>>();
  #families: readonly Family[] = [];

  constructor(desired: DesiredRuleset) {
    this.#desired = desired;
  }

  /** Sets are there for these, from now on. */
  useFamilies(families: readonly Family[]): void {
    const come = families.filter((family) => !this.#families.includes(family));
    const gone = this.#families.filter((family) => !families.includes(family));
    this.#families = families;
    for (const set of this.#sets.values()) {
      for (const family of come) this.#desired.addSet(setOf(set, family));
      for (const family of gone) this.#desired.removeSet(set.use.names[family]);
    }
  }

  /** A group of the program; or all pods of a rule's groups, as one. */
  group(id: GroupId): Group {
    const group = this.#groups.get(id) ?? this.#unionGroup(id);
    if (group === undefined) throw new Error(`a rule names group ${id}, which the program does not have`);
    return group;
  }

  /** The set that holds what any of the groups holds; all of them are of one kind. */
  unionOf(ids: readonly GroupId[]): SetUse {
    // Whose words came first must not matter.
    const groups = [...ids].sort();
    const [first, ...more] = groups.map((id) => this.group(id));
    if (first === undefined) throw new Error('a set of no group');
    const { kind } = first;
    const title = more.length === 0 ? first.title : `${first.title} and ${more.length} more`;
    const id = more.length === 0 ? first.id : (`union ${hashOf(groups.join('\0'))}` as GroupId);
    return { id, kind, title, names: namesOf(kind, id), groups };
  }

  retain(use: SetUse): void {
    const known = this.#sets.get(use.id);
    if (known !== undefined) {
      known.users += 1;
      return;
    }
    const groups = use.groups.map((id) => this.group(id));
    const elements = new Set<string>();
    for (const group of groups) for (const member of group.members) elements.add(elementOf(group, member));
    const set: GroupSet = { use, elements, users: 1 };
    this.#sets.set(use.id, set);
    for (const { id } of groups) this.#setsOfGroup.set(id, (this.#setsOfGroup.get(id) ?? new Set()).add(set));
    for (const family of this.#families) this.#desired.addSet(setOf(set, family));
  }

  /** @returns whether that was the last use */
  release({ id, groups, names }: SetUse): boolean {
    const set = this.#sets.get(id);
    if (set === undefined) throw new Error(`the set of ${id} is released more often than retained`);
    set.users -= 1;
    if (set.users > 0) return false;
    this.#sets.delete(id);
    for (const group of groups) {
      const using = this.#setsOfGroup.get(group);
      using?.delete(set);
      if (using?.size === 0) this.#setsOfGroup.delete(group);
    }
    for (const family of this.#families) this.#desired.removeSet(names[family]);
    return true;
  }

  /** @returns what it changed of the pods of groups, a rule's union of groups among them */
  groupChanged({ group, change, added, removed }: GroupChange): readonly PodsChange[] {
    this.#groups.set(group.id, group);
    if (change === 'added') return [];
    const using = [...(this.#setsOfGroup.get(group.id) ?? [])];
    for (const set of using) {
      for (const member of removed) this.#leave(set, group, member);
      for (const member of added) this.#join(set, elementOf(group, member));
    }
    if (group.kind !== 'pods') return [];
    const members = [...removed, ...added] as readonly Address[];
    const unions = using.flatMap(({ use }) => (use.id === group.id ? [] : (this.#unionGroup(use.id) ?? [])));
    return [group, ...unions].map((pods) => ({ group: pods, members }));
  }

  groupRemoved(id: GroupId): void {
    this.#groups.delete(id);
  }

  #join({ use, elements }: GroupSet, element: string): void {
    elements.add(element);
    this.#setElement(use, element, '');
  }

  /** It stays while another of the groups has it. */
  #leave({ use, elements }: GroupSet, group: Group, member: Member): void {
    const isHeld = use.groups.some((id) => id !== group.id && holds(this.group(id), group, member));
    if (isHeld) return;
    const element = elementOf(group, member);
    elements.delete(element);
    this.#setElement(use, element, undefined);
  }

  #setElement({ names }: SetUse, element: string, value: '' | undefined): void {
    const family = familyOfElement(element);
    if (this.#families.includes(family)) this.#desired.setElement(names[family], element, value);
  }

  #unionGroup(id: GroupId): PodsChange['group'] | undefined {
    const set = this.#sets.get(id);
    if (set?.use.kind !== 'pods') return undefined;
    return {
      kind: 'pods',
      id,
      title: set.use.title,
      members: set.elements as ReadonlySet<string> as ReadonlySet<Address>,
    };
  }
}

function namesOf(kind: Group['kind'], id: GroupId): SetUse['names'] {
  const group = hashOf(kind, id);
  const nameIn = (family: Family): string => sets.nameOf({ kind: 'group', of: kind, family, group });
  return { IPv4: nameIn('IPv4'), IPv6: nameIn('IPv6') };
}

/** Whether another group has the same element: of listeners, for the same protocol. */
function holds(other: Group, group: Group, member: Member): boolean {
  if (other.kind === 'pods') return other.members.has(member as Address);
  return group.kind === 'listeners' && other.protocol === group.protocol && other.members.has(member as Listener);
}

const setOf = ({ use, elements }: GroupSet, family: Family): NftSet => ({
  name: use.names[family],
  title: use.title,
  type: typeOf(use.kind, family),
  verdicts: false,
  interval: false,
  elements: new Map([...elements].filter((element) => familyOfElement(element) === family).map((key) => [key, ''])),
});
