/**
 * Where many groups of pods are looked up one after another, most packets can skip most of them: the groups are spread
 * over buckets, and a bucket's set holds what any group in it holds. An address that is in no group costs one look-up a
 * bucket. The sets are shared by all isolations, so members are copied once at most; a set with an element too many costs
 * look-ups and allows nothing.
 */
import { families, familyOf, type Address, type Family } from '../../model/address.js';
import type { GroupId } from '../../program/types.js';
import { addressType } from '../language/key-types.js';
import { sets } from '../names/sets.js';
import { emptySet } from '../language/empty-set.js';
import type { DesiredRuleset } from './desired.js';
import type { GroupSets, PodsChange, SetUse } from './group-sets.js';

/** About the square root of the many groups that they are for. */
const buckets = 32;

/** By the hash that the name of a set ends in: the same wherever the set is used, and in both families. */
export const bucketOf = (set: string): number => Number.parseInt(set.slice(-4), 16) % buckets;

const bucketNames = Array.from({ length: buckets }, (_, bucket) => ({
  IPv4: sets.nameOf({ kind: 'peers', family: 'IPv4', bucket }),
  IPv6: sets.nameOf({ kind: 'peers', family: 'IPv6', bucket }),
}));

export function bucketSetName(bucket: number, family: Family): string {
  const names = bucketNames[bucket];
  if (names === undefined) throw new Error(`there is no bucket ${bucket}`);
  return names[family];
}

export class PeerBuckets {
  readonly #desired: DesiredRuleset;
  readonly #groups: Pick<GroupSets, 'group'>;
  /** By bucket: its groups, and how many chains look each up. */
  readonly #users = new Map<number, Map<GroupId, number>>();
  readonly #bucketOf = new Map<GroupId, number>();
  /** Whose groups are other ones than at the last {@link refresh}. */
  readonly #stale = new Set<number>();
  #families: readonly Family[] = [];

  constructor(desired: DesiredRuleset, groups: Pick<GroupSets, 'group'>) {
    this.#desired = desired;
    this.#groups = groups;
  }

  /** Sets are there for these, from the next {@link refresh} on. */
  useFamilies(inUse: readonly Family[]): void {
    this.#families = inUse;
    for (const bucket of this.#users.keys()) this.#stale.add(bucket);
  }

  retain(pods: SetUse): void {
    const bucket = bucketOf(pods.names.IPv4);
    const groups = this.#users.get(bucket) ?? new Map<GroupId, number>();
    this.#users.set(bucket, groups);
    const users = groups.get(pods.id) ?? 0;
    groups.set(pods.id, users + 1);
    if (users > 0) return;
    this.#bucketOf.set(pods.id, bucket);
    this.#stale.add(bucket);
  }

  release(pods: SetUse): void {
    const bucket = bucketOf(pods.names.IPv4);
    const groups = this.#users.get(bucket);
    const users = groups?.get(pods.id);
    if (groups === undefined || users === undefined) throw new Error(`${pods.id} is in no bucket`);
    if (users > 1) groups.set(pods.id, users - 1);
    else {
      groups.delete(pods.id);
      this.#bucketOf.delete(pods.id);
      this.#stale.add(bucket);
    }
  }

  /** These addresses have joined the group or left it. */
  membersChanged({ group, members }: PodsChange): void {
    const bucket = this.#bucketOf.get(group.id);
    // A bucket that is stale is filled from its groups, whatever they hold then.
    if (bucket === undefined || this.#stale.has(bucket)) return;
    for (const member of members) {
      if (!this.#families.includes(familyOf(member))) continue;
      const set = bucketSetName(bucket, familyOf(member));
      this.#desired.setElement(set, member, this.#isHeld(bucket, member) ? '' : undefined);
    }
  }

  /** Brings the sets up to date with the groups retained and released since the last call. */
  refresh(): void {
    for (const bucket of this.#stale) {
      const groups = this.#users.get(bucket);
      const isUsed = groups !== undefined && groups.size > 0;
      if (!isUsed) this.#users.delete(bucket);
      for (const family of families) {
        const name = bucketSetName(bucket, family);
        if (isUsed && this.#families.includes(family)) this.#refill(bucket, family);
        else if (this.#desired.ruleset.sets.has(name)) this.#desired.removeSet(name);
      }
    }
    this.#stale.clear();
  }

  #refill(bucket: number, family: Family): void {
    const name = bucketSetName(bucket, family);
    const members = new Map<string, string>();
    for (const id of this.#users.get(bucket)?.keys() ?? [])
      for (const member of this.#membersOf(id)) if (familyOf(member) === family) members.set(member, '');
    const set = { ...emptySet(name, [addressType(family)]), title: bucketTitle, elements: members };
    if (this.#desired.ruleset.sets.has(name)) this.#desired.replaceElements(set);
    else this.#desired.addSet(set);
  }

  #isHeld(bucket: number, member: Address): boolean {
    for (const id of this.#users.get(bucket)?.keys() ?? []) if (this.#membersOf(id).has(member)) return true;
    return false;
  }

  #membersOf(id: GroupId): ReadonlySet<Address> {
    const group = this.#groups.group(id);
    if (group.kind !== 'pods') throw new Error(`${id} is no group of pods`);
    return group.members;
  }
}

const bucketTitle = 'what some groups of pods hold together: who is not in it can skip them';
