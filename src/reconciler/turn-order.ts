/**
 * The turns that are not in the kernel yet, and what they owe each other. The desired ruleset is ahead of the kernel by all
 * of them, so that each packet sees, of every namespace, the state before a turn or after it:
 *
 *   - a turn brings what was desired when it was compiled, or what a later one has brought into force since;
 *   - a turn switches after an earlier one that is about the same address: a pod's address holds nothing of an earlier pod
 *     when the newcomer gets it, and a new set contains no address whose own change is not in force;
 *   - an object that a turn leaves unused is removed when every turn up to this one has switched, since until then something
 *     in the kernel may refer to it, and not while a turn on its way brings it again.
 */
import type { PlanInput } from '../nftables/plan/plan-input.js';
import { missingFor } from '../nftables/plan/missing.js';
import { undesiredOf } from '../nftables/plan/sweep.js';
import { TurnContent } from '../nftables/plan/turn-content.js';
import { DirtyCollector, isDirty, type Dirty } from '../nftables/render/dirty.js';
import type { NftSet, Ruleset } from '../nftables/language/types.js';
import { addressOf, TableTurn, type TableChange } from './table-turn.js';

interface TurnOrderParts {
  /** Live. */
  readonly desired: Ruleset;
  readonly planOf: (turn: TableTurn) => PlanInput;
}

/** Names of objects that turns have left in the kernel when they switched: to be removed after all turns up to `after`. */
interface Leftovers {
  readonly began: number;
  readonly after: number;
  readonly names: DirtyCollector;
}

export class TurnOrder {
  readonly #parts: TurnOrderParts;
  readonly #pending = new Set<TableTurn>();
  readonly #leftovers: Leftovers[] = [];
  #sequence = 0;

  constructor(parts: TurnOrderParts) {
    this.#parts = parts;
  }

  /** Not switched yet. */
  get pending(): readonly TableTurn[] {
    return [...this.#pending];
  }

  /** What a change brings, as it is desired now. */
  contentOf(change: TableChange): TurnContent {
    return TurnContent.of(change.dirty, this.#parts.desired);
  }

  /** @param content what the change brought when it was compiled; turns begin in that order */
  begin(change: TableChange, content = this.contentOf(change)): TableTurn {
    const turn = this.#add(content, change);
    this.#withdraw(turn, change.moved ?? []);
    this.#order(turn);
    return turn;
  }

  extend(turn: TableTurn, change: TableChange): void {
    this.#sequence += 1;
    // All of it is as new as what is added.
    turn.content.add(turn.content.dirty, this.#parts.desired);
    turn.content.add(change.dirty, this.#parts.desired);
    this.#withdraw(turn, change.moved ?? []);
    turn.extended(this.#sequence, change);
    this.#order(turn);
  }

  /** One turn becomes several, each with its part of the content. */
  split(turn: TableTurn, changes: readonly TableChange[]): readonly TableTurn[] {
    this.#pending.delete(turn);
    const parts = changes.map((change) => this.#add(turn.content.part(change.dirty), change, turn));
    for (const other of this.#pending) if (other.after.delete(turn)) for (const part of parts) other.after.add(part);
    for (const [index, part] of parts.entries()) {
      for (const one of turn.after) part.after.add(one);
      this.#withdraw(part, changes[index]?.moved ?? []);
      this.#order(part);
    }
    return parts;
  }

  switched(turn: TableTurn): void {
    turn.isSwitched = true;
    turn.restart();
    this.#pending.delete(turn);
    for (const { sequence, content } of this.#pending) if (sequence < turn.sequence) content.follow(turn.content);
    const present = turn.content.names(true);
    for (const { names } of this.#leftovers) names.remove(present);
    const names = turn.content.names(false);
    if (isDirty(names)) this.#leave({ began: turn.began, after: turn.sequence, names });
  }

  /** The whole desired ruleset is in the kernel, and nothing else. */
  allSwitched(): void {
    for (const turn of this.#pending) turn.isSwitched = true;
    this.#pending.clear();
    this.#leftovers.length = 0;
  }

  /** Names that turns have left, and that nothing in the kernel refers to if they are not desired. */
  takeUnused(): DirtyCollector {
    const oldest = Math.min(Infinity, ...[...this.#pending].map(({ began }) => began));
    const unused = new DirtyCollector();
    const kept = this.#leftovers.filter(({ after, names }) => {
      if (after < oldest) unused.add(names);
      return after >= oldest;
    });
    this.#leftovers.splice(0, Infinity, ...kept);
    return unused;
  }

  /** Without what a turn on its way brings again: something in the kernel may refer to it already. */
  spare(unused: DirtyCollector): void {
    for (const { content } of this.#pending)
      for (const kind of ['chains', 'sets'] as const)
        for (const name of unused[kind]) if (content[kind].get(name) !== undefined) unused[kind].delete(name);
  }

  /** Without what turns and their sweeps are going to bring to the kernel anyway. */
  remainderOf(dirty: Dirty): DirtyCollector {
    const rest = DirtyCollector.merged(dirty);
    for (const { content } of this.#pending) {
      rest.remove(content.dirty);
      for (const name of content.sets.keys()) rest.elements.delete(name);
    }
    for (const { names } of this.#leftovers) rest.remove(undesiredOf(names, this.#parts.desired));
    return rest;
  }

  /** Of turns that began before, the last one first. */
  earlierThan(turn: TableTurn): readonly TurnContent[] {
    const earlier = [...this.#pending].filter((one) => one !== turn && one.began < turn.sequence);
    return earlier.sort((a, b) => b.sequence - a.sequence).map(({ content }) => content);
  }

  /** Whether sets are in use that are not desired any more: those are not kept up to date. */
  get hasOutgoingSets(): boolean {
    return [...this.#pending].some(({ content }) => [...content.sets.values()].includes(undefined));
  }

  /** Whether a turn of this change would wait for none that is on its way. */
  isFree(change: TableChange, content: TurnContent): boolean {
    if (this.#pending.size === 0) return true;
    const turn = new TableTurn(Infinity, content, change);
    this.#order(turn);
    return turn.after.size === 0;
  }

  /** A turn that was compiled in parts may leave what refers to what others leave that were compiled between: they go together. */
  #leave(leftovers: Leftovers): void {
    let [merged, rest] = [leftovers, this.#leftovers.splice(0)];
    for (let next = rest.find(overlaps(merged)); next !== undefined; next = rest.find(overlaps(merged))) {
      rest = rest.filter((one) => one !== next);
      merged = {
        began: Math.min(merged.began, next.began),
        after: Math.max(merged.after, next.after),
        names: DirtyCollector.merged(merged.names, next.names),
      };
    }
    this.#leftovers.push(...rest, merged);
  }

  /** Takes addresses out of sets that earlier turns will leave: what a pod of before was allowed is not for the next one. */
  #withdraw(turn: TableTurn, moved: readonly string[]): void {
    if (moved.length === 0) return;
    const addresses = new Set(moved);
    const { applied } = this.#parts.planOf(turn);
    for (const { content } of this.#pending)
      for (const [name, to] of content.sets) {
        const set = to === undefined ? applied.sets.get(name) : undefined;
        if (set === undefined || set.interval || set.dynamic !== undefined) continue;
        const keys =
          set.type.length === 1 ? moved : [...set.elements.keys()].filter((key) => addresses.has(addressOf(key)));
        for (const key of keys) if (set.elements.has(key)) turn.content.removeElement(name, key);
      }
  }

  #add(content: TurnContent, change: TableChange, whole?: TableTurn): TableTurn {
    this.#sequence += 1;
    const turn = new TableTurn(this.#sequence, content, change, whole?.began);
    this.#pending.add(turn);
    return turn;
  }

  #order(turn: TableTurn): void {
    const others = [...this.#pending].filter(({ sequence }) => sequence < turn.sequence);
    if (others.length === 0) return;
    const waitFor = (other: TableTurn): void => {
      if (other !== turn && !other.waitsFor(turn)) turn.after.add(other);
    };
    const whole = [...turn.content.sets.values()].flatMap((set) => (set === undefined || set.interval ? [] : [set]));
    const referred = missingFor(this.#parts.planOf(turn)).sets.filter(({ name }) => !turn.content.sets.has(name));
    for (const other of others) {
      const isShared =
        turn.sharesWith(other) ||
        whole.some((set) => other.content.sets.get(set.name) !== undefined || isAbout(set, other.addresses));
      if (isShared) waitFor(other);
      // What another turn makes, and this one refers to, has the content that holds when the other one may switch.
      if (referred.some(({ name }) => other.content.sets.has(name))) other.after.forEach(waitFor);
    }
  }
}

const overlaps =
  (one: Leftovers) =>
  (other: Leftovers): boolean =>
    other.began <= one.after && one.began <= other.after;

/** Whether a set contains any of these addresses. */
function isAbout({ type, elements }: NftSet, addresses: ReadonlySet<string>): boolean {
  if (addresses.size === 0) return false;
  if (type.length === 1 && addresses.size < elements.size) return [...addresses].some((one) => elements.has(one));
  return [...elements.keys()].some((key) => addresses.has(addressOf(key)));
}
