import type { ProgramChange, RuleList, RuleListId } from '../program/types.js';
import { difference } from './difference.js';
import type { Groups } from './groups.js';
import { Before } from './recorder.js';
import type { CompiledRules } from './rule-lists.js';

/** The rule lists that endpoints use, counted by use, and compiled while they are. */
export class UsedRuleLists {
  readonly lists = new Map<RuleListId, RuleList>();
  readonly #groups: Groups;
  readonly #compile: (id: RuleListId) => CompiledRules | undefined;
  readonly #compiled = new Map<RuleListId, CompiledRules>();
  /** Endpoints with the same policies share one array of lists: it counts once for all of them. */
  readonly #sharing = new Map<readonly RuleListId[], number>();
  readonly #users = new Map<RuleListId, number>();
  #before = new Before<RuleListId, RuleList>();

  /** @param compile what the policy says now; undefined where there is no such policy, or a broken one */
  constructor(groups: Groups, compile: (id: RuleListId) => CompiledRules | undefined) {
    this.#groups = groups;
    this.#compile = compile;
  }

  use(lists: readonly RuleListId[]): void {
    const sharing = this.#sharing.get(lists) ?? 0;
    this.#sharing.set(lists, sharing + 1);
    if (sharing > 0) return;
    for (const id of lists) {
      this.#touch(id);
      this.#users.set(id, (this.#users.get(id) ?? 0) + 1);
    }
  }

  /** One use less. A list without uses is dropped when the step ends, so a step may release it before it uses it again. */
  release(lists: readonly RuleListId[]): void {
    const sharing = (this.#sharing.get(lists) ?? 0) - 1;
    if (sharing > 0) {
      this.#sharing.set(lists, sharing);
      return;
    }
    this.#sharing.delete(lists);
    for (const id of lists) {
      this.#touch(id);
      const users = (this.#users.get(id) ?? 0) - 1;
      if (users === 0) this.#users.delete(id);
      else this.#users.set(id, users);
    }
  }

  /** The policy changed: a list in use is compiled again; another list is compiled when it comes into use. */
  recompile(id: RuleListId): void {
    const previous = this.#compiled.get(id);
    if (previous === undefined) return;
    this.#touch(id);
    this.#replace(id, previous, this.#compile(id));
  }

  /** Ends a step: compiles lists that came into use, drops lists that went out of use, and returns the difference. */
  endStep(): ProgramChange['ruleLists'] {
    for (const [id] of this.#before.entries()) {
      const isUsed = this.#users.has(id);
      const previous = this.#compiled.get(id);
      if (isUsed && previous === undefined) this.#replace(id, undefined, this.#compile(id));
      if (!isUsed && previous !== undefined) this.#replace(id, previous, undefined);
    }
    const changed = [...this.#before.entries()]
      .map(([id, before]) => difference({ id }, before, this.lists.get(id)))
      .filter(({ before, after }) => before !== after && JSON.stringify(before) !== JSON.stringify(after));
    this.#before = new Before();
    return changed;
  }

  #touch(id: RuleListId): void {
    this.#before.touch(id, this.lists.get(id));
  }

  #replace(id: RuleListId, previous: CompiledRules | undefined, next: CompiledRules | undefined): void {
    for (const definition of next?.groups.values() ?? []) this.#groups.use(definition);
    for (const group of previous?.groups.keys() ?? []) this.#groups.release(group);
    if (next === undefined) {
      this.#compiled.delete(id);
      this.lists.delete(id);
      return;
    }
    this.#compiled.set(id, next);
    this.lists.set(id, next.list);
  }
}
