import type { Effect } from '../../program/types.js';
import type { Command, Element, Transaction } from './command.js';
import type { Chain, NftSet, OtherObject, Rule, SetForm, TableName } from './types.js';

/** Collects the commands of one transaction. */
export class CommandList {
  readonly #table: TableName;
  readonly #commands: Command[] = [];

  constructor({ family, table }: TableName) {
    this.#table = { family, table };
  }

  get isEmpty(): boolean {
    return this.#commands.length === 0;
  }

  transaction(effect: Effect): Transaction {
    return { ...this.#table, effect, commands: this.#commands };
  }

  addTable(title?: string): void {
    this.#commands.push({ kind: 'add table', ...(title === undefined ? {} : { title }) });
  }

  deleteTable(): void {
    this.#commands.push({ kind: 'delete table' });
  }

  addCounter(name: string): void {
    this.#commands.push({ kind: 'add counter', name });
  }

  deleteCounter(name: string): void {
    this.#commands.push({ kind: 'delete counter', name });
  }

  addSet(set: SetForm): void {
    this.#commands.push({ kind: 'add set', set });
  }

  deleteSet({ name, verdicts }: Pick<NftSet, 'name' | 'verdicts'>): void {
    this.#commands.push({ kind: 'delete set', name, verdicts });
  }

  deleteOther(object: OtherObject): void {
    this.#commands.push({ kind: 'delete other', object });
  }

  addElements({ name }: Pick<NftSet, 'name'>, elements: readonly Element[]): void {
    if (elements.length > 0) this.#commands.push({ kind: 'add elements', set: name, elements });
  }

  deleteElements({ name }: Pick<NftSet, 'name'>, keys: readonly string[]): void {
    if (keys.length > 0) this.#commands.push({ kind: 'delete elements', set: name, keys });
  }

  addChain({ name, title, hook }: Omit<Chain, 'rules'>): void {
    const more = { ...(title === undefined ? {} : { title }), ...(hook === undefined ? {} : { hook }) };
    this.#commands.push({ kind: 'add chain', name, ...more });
  }

  flushChain(name: string): void {
    this.#commands.push({ kind: 'flush chain', name });
  }

  deleteChain(name: string): void {
    this.#commands.push({ kind: 'delete chain', name });
  }

  addRules(chain: string, rules: readonly Rule[]): void {
    for (const rule of rules) this.#commands.push({ kind: 'add rule', chain, rule });
  }
}

/** The elements in pieces that a transaction has room for. */
export function* piecesOf(elements: readonly Element[], size = 2_000): Generator<readonly Element[]> {
  for (let start = 0; start < elements.length; start += size) yield elements.slice(start, start + size);
}
