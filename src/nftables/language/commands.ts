/** libnftables-json commands, as nft 1.0.6 takes them. */
import { elementsToJson, keyToJson } from './elements.js';
import type { Chain, Command, NftSet, Rule, Ruleset } from './types.js';

type Table = Pick<Ruleset, 'family' | 'table'>;
type Elements = readonly (readonly [string, string])[];

export class Commands {
  readonly #table: { readonly family: string; readonly table: string };
  readonly list: Command[] = [];

  constructor(table: Table) {
    this.#table = { family: table.family, table: table.table };
  }

  addTable(): void {
    this.list.push({ add: { table: { family: this.#table.family, name: this.#table.table } } });
  }

  deleteTable(): void {
    this.list.push({ delete: { table: { family: this.#table.family, name: this.#table.table } } });
  }

  addCounter(name: string): void {
    this.list.push({ add: { counter: { ...this.#table, name } } });
  }

  deleteCounter(name: string): void {
    this.list.push({ delete: { counter: { ...this.#table, name } } });
  }

  /** Without elements. `dynamic` is a flag that JSON refuses; a time-out implies it. */
  addSet(set: NftSet): void {
    const body = {
      ...this.#table,
      name: set.name,
      type: set.type.length === 1 ? set.type[0] : set.type,
      ...(set.interval ? { flags: ['interval'] } : {}),
      ...(set.dynamic === undefined
        ? {}
        : { flags: ['timeout'], timeout: set.dynamic.timeoutSeconds, size: set.dynamic.size }),
    };
    this.list.push({ add: set.verdicts ? { map: { ...body, map: 'verdict' } } : { set: body } });
  }

  deleteSet(set: Pick<NftSet, 'name' | 'verdicts'>): void {
    const body = { ...this.#table, name: set.name };
    this.list.push({ delete: set.verdicts ? { map: body } : { set: body } });
  }

  addElements(set: NftSet, elements: Elements): void {
    if (elements.length === 0) return;
    this.list.push({
      add: { element: { ...this.#table, name: set.name, elem: elementsToJson(set, elements) } },
    });
  }

  deleteElements(set: NftSet, keys: readonly string[]): void {
    if (keys.length === 0) return;
    const elem = keys.map((key) => keyToJson(key, set.type));
    this.list.push({ delete: { element: { ...this.#table, name: set.name, elem } } });
  }

  /** Without rules. A base chain is one from its first line: a hook cannot be added later. */
  addChain(chain: Chain): void {
    const { name, hook } = chain;
    const base =
      hook === undefined
        ? {}
        : {
            type: hook.type,
            hook: hook.hook,
            prio: hook.priority,
            policy: hook.policy,
            ...(hook.device === undefined ? {} : { dev: hook.device }),
          };
    this.list.push({ add: { chain: { ...this.#table, name, ...base } } });
  }

  flushChain(name: string): void {
    this.list.push({ flush: { chain: { ...this.#table, name } } });
  }

  deleteChain(name: string): void {
    this.list.push({ delete: { chain: { ...this.#table, name } } });
  }

  addRules(chain: string, rules: readonly Rule[]): void {
    for (const { statements, comment } of rules)
      this.list.push({
        add: {
          rule: { ...this.#table, chain, expr: statements, ...(comment === undefined ? {} : { comment }) },
        },
      });
  }
}

/** The elements in pieces that a transaction has room for. */
export function* piecesOf(elements: Elements, size = 2_000): Generator<Elements> {
  for (let start = 0; start < elements.length; start += size) yield elements.slice(start, start + size);
}
