/**
 * One reading of the table, beside which transactions go on: what they touch meanwhile says nothing, since it is not known
 * whether the listing shows it before or after.
 */
import type { Transaction } from '../nftables/language/command.js';
import type { MutableRuleset } from '../nftables/language/mutable-ruleset.js';
import { findDrift } from '../nftables/plan/drift.js';
import { DirtyCollector, isDirty } from '../nftables/render/dirty.js';

export class TableReading {
  readonly #touched = new DirtyCollector();
  #isVoid = false;

  /** The listing says nothing: all was replaced meanwhile, or the outcome of a transaction is unknown. */
  get isVoid(): boolean {
    return this.#isVoid;
  }

  /** Nothing was touched: the listing is what the kernel holds. */
  get isWhole(): boolean {
    return !this.#isVoid && !isDirty(this.#touched);
  }

  void(): void {
    this.#isVoid = true;
  }

  /** The kernel has taken it. */
  note({ commands }: Transaction): void {
    for (const command of commands)
      switch (command.kind) {
        case 'add table':
          break;
        case 'delete table':
          this.void();
          break;
        case 'add counter':
        case 'delete counter':
          this.#touched.counters.add(command.name);
          break;
        case 'delete other':
          this.#touched.others.add(`${command.object.kind} ${command.object.name}`);
          break;
        case 'add set':
          this.#touched.sets.add(command.set.name);
          break;
        case 'delete set':
          this.#touched.sets.add(command.name);
          break;
        case 'add elements':
          for (const [key] of command.elements) this.#touched.element(command.set, key);
          break;
        case 'delete elements':
          for (const key of command.keys) this.#touched.element(command.set, key);
          break;
        case 'add rule':
          this.#touched.chains.add(command.chain);
          break;
        default:
          this.#touched.chains.add(command.name);
      }
  }

  /**
   * What differs from what was sent, but for what was touched; `applied` is what the kernel should hold, and says afterwards
   * what it does hold.
   */
  takeInto(applied: MutableRuleset, listed: MutableRuleset): DirtyCollector {
    const drift = DirtyCollector.merged(findDrift(applied, listed, applied));
    drift.remove(this.#touched);
    for (const name of this.#touched.sets) drift.elements.delete(name);
    for (const name of drift.counters)
      if (listed.counters.has(name)) applied.counters.add(name);
      else applied.counters.delete(name);
    for (const name of drift.others) copyEntry(applied.others, listed.others, name);
    for (const name of drift.chains) copyEntry(applied.chains, listed.chains, name);
    for (const name of drift.sets) copyEntry(applied.sets, listed.sets, name);
    for (const [name, keys] of drift.elements) {
      const [to, from] = [applied.sets.get(name)?.elements, listed.sets.get(name)?.elements];
      if (to !== undefined && from !== undefined) for (const key of keys) copyEntry(to, from, key);
    }
    return drift;
  }
}

function copyEntry<T>(to: Map<string, T>, from: ReadonlyMap<string, T>, key: string): void {
  const value = from.get(key);
  if (value === undefined) to.delete(key);
  else to.set(key, value);
}
