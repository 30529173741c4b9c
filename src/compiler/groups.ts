import type { Address } from '../model/address.js';
import type { ContainerPort } from '../model/pod.js';
import { listener, type Group, type Listener, type GroupChange, type GroupId, type Member } from '../program/types.js';
import type { SelectionId, SelectorIndex } from '../selectors/selector-index.js';
import { Delta } from './recorder.js';
import type { GroupDefinition } from './rule-lists.js';

/** What a pod contributes to the groups that select it. */
export interface Contribution {
  readonly addresses: readonly Address[];
  readonly ports: readonly ContainerPort[];
}

/** A pod's contribution and selections, before and after. */
export interface Move {
  readonly before: Contribution | undefined;
  readonly selectedBefore: ReadonlySet<SelectionId>;
  readonly after: Contribution | undefined;
  readonly selectedNow: ReadonlySet<SelectionId>;
}

interface Entry {
  readonly definition: GroupDefinition;
  readonly group: Group;
  readonly members: Set<Member>;
  readonly selection: SelectionId;
  users: number;
}

interface Touched {
  readonly wasThere: boolean;
  readonly entry: Entry;
  readonly delta: Delta<Member>;
}

/** The groups that rules use, counted by use, with their members. */
export class Groups {
  readonly #index: SelectorIndex;
  readonly #contribution: (pod: string) => Contribution | undefined;
  readonly #entries = new Map<GroupId, Entry>();
  readonly #bySelection = new Map<SelectionId, Set<Entry>>();
  readonly groups = new Map<GroupId, Group>();
  readonly #unused = new Set<Entry>();
  #touched = new Map<GroupId, Touched>();

  constructor(index: SelectorIndex, contribution: (pod: string) => Contribution | undefined) {
    this.#index = index;
    this.#contribution = contribution;
  }

  use(definition: GroupDefinition): void {
    const known = this.#entries.get(definition.id);
    if (known !== undefined) {
      known.users += 1;
      return;
    }
    this.#touch(this.#create(definition), false);
  }

  /** One use less. A group without uses is dropped when the step ends, so a step may release it before it uses it again. */
  release(id: GroupId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users === 0) this.#unused.add(entry);
  }

  /**
   * Pods' selections or contributions changed. First everyone leaves, then everyone joins: an address that went from one
   * pod to another in one step is a member before and after.
   */
  move(moves: readonly Move[]): void {
    const same = new Set(moves.filter(({ before, after }) => sameContribution(before, after)));
    for (const one of moves) {
      const { before, selectedBefore, after, selectedNow } = one;
      for (const id of selectedBefore) {
        const stays = selectedNow.has(id);
        if (stays && same.has(one)) continue;
        for (const entry of this.#bySelection.get(id) ?? []) {
          const staying = stays ? membersFrom(entry.definition, after) : [];
          for (const member of membersFrom(entry.definition, before))
            if (!staying.includes(member)) this.#leave(entry, member);
        }
      }
    }
    for (const one of moves) {
      const { selectedBefore, after, selectedNow } = one;
      for (const id of selectedNow) {
        if (same.has(one) && selectedBefore.has(id)) continue;
        for (const entry of this.#bySelection.get(id) ?? [])
          for (const member of membersFrom(entry.definition, after)) this.#join(entry, member);
      }
    }
  }

  /** Ends a step: drops groups that nobody uses, and returns what changed since the last step. */
  endStep(): GroupChange[] {
    for (const entry of this.#unused) if (entry.users === 0) this.#drop(entry);
    this.#unused.clear();
    const changes: GroupChange[] = [];
    for (const { entry, delta, wasThere } of this.#touched.values()) {
      const isThere = this.#entries.has(entry.definition.id);
      if (!wasThere && !isThere) continue;
      const change = !wasThere ? 'added' : !isThere ? 'removed' : 'members';
      if (change === 'members' && delta.isEmpty) continue;
      const { group } = entry;
      if (change === 'added') changes.push({ group, change, added: [...entry.members], removed: [] });
      else if (change === 'removed') changes.push({ group, change, added: [], removed: [] });
      else changes.push({ group, change, added: [...delta.added], removed: [...delta.removed] });
    }
    this.#touched = new Map();
    return changes;
  }

  #create(definition: GroupDefinition): Entry {
    const members = new Set<Member>();
    const { id, title } = definition;
    const group: Group =
      definition.kind === 'pods'
        ? { kind: 'pods', id, title, members: members as Set<Address> }
        : { kind: 'listeners', id, title, protocol: definition.protocol, members: members as Set<Listener> };
    const selection = this.#index.add(definition.selection);
    const entry: Entry = { definition, group, members, selection, users: 1 };
    const sharing = this.#bySelection.get(selection) ?? new Set();
    this.#bySelection.set(selection, sharing.add(entry));
    for (const pod of this.#index.membersOf(selection))
      for (const member of membersFrom(definition, this.#contribution(pod))) members.add(member);
    this.#entries.set(id, entry);
    this.groups.set(id, group);
    return entry;
  }

  #leave(entry: Entry, member: Member): void {
    if (entry.members.delete(member)) this.#touch(entry, true).delta.remove(member);
  }

  #join(entry: Entry, member: Member): void {
    const before = entry.members.size;
    if (entry.members.add(member).size > before) this.#touch(entry, true).delta.add(member);
  }

  #touch(entry: Entry, wasThere: boolean): Touched {
    const { id } = entry.definition;
    const known = this.#touched.get(id);
    if (known !== undefined) return known;
    const touched = { wasThere, entry, delta: new Delta<Member>() };
    this.#touched.set(id, touched);
    return touched;
  }

  #drop(entry: Entry): void {
    const { id } = entry.definition;
    this.#touch(entry, true);
    this.#entries.delete(id);
    this.groups.delete(id);
    const sharing = this.#bySelection.get(entry.selection);
    sharing?.delete(entry);
    if (sharing?.size !== 0) return;
    this.#bySelection.delete(entry.selection);
    this.#index.remove(entry.selection);
  }
}

/** An address has one holder, so who contributes the same as before gives nothing up and takes nothing over. */
function sameContribution(before: Contribution | undefined, after: Contribution | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return (
    before === after ||
    (before.addresses.join() === after.addresses.join() &&
      (before.ports === after.ports || JSON.stringify(before.ports) === JSON.stringify(after.ports)))
  );
}

function membersFrom(definition: GroupDefinition, contribution: Contribution | undefined): readonly Member[] {
  if (contribution === undefined) return [];
  if (definition.kind === 'pods') return contribution.addresses;
  const ports = new Set(
    contribution.ports
      .filter(({ name, protocol }) => name === definition.name && protocol === definition.protocol)
      .map(({ port }) => port),
  );
  return contribution.addresses.flatMap((address) => [...ports].map((port) => listener(address, port)));
}
