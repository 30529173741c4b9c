import type { Step } from '../nftables/plan/batch.js';
import type { TurnContent } from '../nftables/plan/turn-content.js';
import type { Dirty } from '../nftables/render/dirty.js';
import { worstEffect } from '../program/effect.js';
import type { Effect } from '../program/types.js';

export interface TableChange {
  readonly dirty: Dirty;
  readonly effect: Effect;
  /** Of this node's pods that it changes: a change of one namespace may touch a pod of another. */
  readonly namespaces?: ReadonlySet<string>;
  /** Addresses whose pods change: sets that are not desired any more, but are still in use, are not kept up for them. */
  readonly moved?: readonly string[];
}

/** What one turn brings to the kernel: its own part of what the desired ruleset is ahead of it. */
export class TableTurn {
  /** Turns are counted in the order of their compilation: its own number, or that of what was added last. */
  sequence: number;
  /** The number of its oldest part. */
  readonly began: number;
  readonly content: TurnContent;
  effect: Effect;
  readonly #namespaces = new Set<string>();
  /** Turns that must have switched before this one does. */
  readonly after = new Set<TableTurn>();
  /** Planned step by step; from the start again after a failure. */
  build: Generator<Step, void> | undefined;
  isSwitched = false;
  /** The answer to its switch was lost. */
  maybeSwitched = false;
  /** All is built, and turns before it had not switched when that was last looked at. */
  isWaiting = false;
  #addresses: ReadonlySet<string> | undefined;

  constructor(sequence: number, content: TurnContent, change: Omit<TableChange, 'dirty'>, began = sequence) {
    this.sequence = sequence;
    this.began = began;
    this.content = content;
    this.effect = change.effect;
    this.#addNamespaces(change);
  }

  /** More has been added to its content. */
  extended(sequence: number, change: TableChange): void {
    this.sequence = sequence;
    this.effect = worstEffect([this.effect, change.effect]);
    this.#addNamespaces(change);
    this.restart();
    this.#addresses = undefined;
  }

  /** Plans it from the start again. */
  restart(): void {
    this.build = undefined;
    this.isWaiting = false;
  }

  /** Whether both are about the same pod or address, so that the later one waits for the earlier. */
  sharesWith(other: TableTurn): boolean {
    const shares = (own: ReadonlySet<string>, others: ReadonlySet<string>): boolean =>
      [...own].some((one) => others.has(one));
    return shares(this.#namespaces, other.#namespaces) || shares(this.addresses, other.addresses);
  }

  /** What its elements are about. */
  get addresses(): ReadonlySet<string> {
    this.#addresses ??= new Set([...this.content.elements.values()].flatMap((keys) => [...keys.keys()].map(addressOf)));
    return this.#addresses;
  }

  /** Whether it waits for the other one, directly or not. */
  waitsFor(other: TableTurn): boolean {
    const reached = new Set<TableTurn>(this.after);
    for (const turn of reached) for (const one of turn.after) reached.add(one);
    return reached.has(other);
  }

  /** Whether all that must switch before has. */
  get maySwitch(): boolean {
    for (const one of this.after) if (one.isSwitched) this.after.delete(one);
    return this.after.size === 0;
  }

  /** Whether there is something to do for it now. */
  get canAdvance(): boolean {
    return !this.isWaiting || this.maySwitch;
  }

  #addNamespaces({ namespaces = [] }: { readonly namespaces?: Iterable<string> }): void {
    for (const name of namespaces) this.#namespaces.add(name);
  }
}

/** The address that an element is about; the whole key where it is about none. */
export function addressOf(key: string): string {
  const end = key.indexOf(' ');
  return end < 0 ? key : key.slice(0, end);
}
