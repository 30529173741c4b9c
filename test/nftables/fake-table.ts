/** Does what nft does to a table's objects, and refuses what the kernel refuses: missing names and what is in use. */
import { NftError } from '../../src/nftables/language/nftables.js';
import type { Command, Transaction } from '../../src/nftables/language/command.js';
import { copySet, emptyRuleset, type MutableRuleset } from '../../src/nftables/language/mutable-ruleset.js';
import type { Rule, Statement } from '../../src/nftables/language/types.js';

export class FakeTable {
  state: MutableRuleset = emptyRuleset();
  exists = false;

  apply({ commands }: Pick<Transaction, 'commands'>): void {
    for (const command of commands) this.#command(command);
  }

  #command(command: Command): void {
    const { counters, sets, chains } = this.state;
    if (command.kind !== 'add table' && !this.exists) throw new Error('no table');
    switch (command.kind) {
      case 'add table':
        this.exists = true;
        return;
      case 'delete table':
        this.state = emptyRuleset();
        this.exists = false;
        return;
      case 'add counter':
        counters.add(command.name);
        return;
      case 'add set': {
        const { name } = command.set;
        if (!sets.has(name)) sets.set(name, copySet({ ...command.set, elements: new Map() }));
        return;
      }
      case 'add chain': {
        const { name, hook } = command;
        if (!chains.has(name)) chains.set(name, { name, ...(hook && { hook }), rules: [] });
        return;
      }
      case 'add rule': {
        this.#addRule(command);
        return;
      }
      case 'add elements': {
        this.#addElements(command);
        return;
      }
      case 'delete elements': {
        this.#deleteElements(command);
        return;
      }
      case 'flush chain': {
        this.#setRules(command.name, () => []);
        return;
      }
      case 'delete other': {
        const { kind, name } = command.object;
        if (!this.state.others.delete(`${kind} ${name}`)) throw new Error(`no ${kind} ${name}`);
        return;
      }
      default: {
        this.#delete(command.kind, command.name);
        return;
      }
    }
  }

  #addRule({ chain, rule }: Extract<Command, { kind: 'add rule' }>): void {
    for (const name of namesIn(rule)) if (!this.#has(name)) throw new Error(`rule names ${name}, which is missing`);
    this.#setRules(chain, (rules) => [...rules, rule]);
  }

  #has(name: string): boolean {
    const { chains, sets, counters } = this.state;
    return chains.has(name) || sets.has(name) || counters.has(name);
  }

  #setRules(name: string, change: (rules: readonly Rule[]) => readonly Rule[]): void {
    const chain = this.state.chains.get(name);
    if (chain === undefined) throw new Error(`no chain ${name}`);
    this.state.chains.set(name, { ...chain, rules: change(chain.rules) });
  }

  #addElements({ set: name, elements }: Extract<Command, { kind: 'add elements' }>): void {
    const set = this.state.sets.get(name);
    if (set === undefined) throw new Error(`no set ${name}`);
    if (elements.length === 0) throw new Error('an empty list of elements');
    for (const [key, value] of elements) {
      if (set.elements.has(key) && set.elements.get(key) !== value) throw new Error(`${key} exists in ${name}`);
      if (set.verdicts && !this.state.chains.has(value.replace('goto ', ''))) throw new Error(`no chain for ${value}`);
      set.elements.set(key, value);
    }
  }

  #deleteElements({ set, keys }: Extract<Command, { kind: 'delete elements' }>): void {
    for (const key of keys)
      if (this.state.sets.get(set)?.elements.delete(key) !== true) throw new Error(`no element ${key} in ${set}`);
  }

  #delete(kind: 'delete chain' | 'delete set' | 'delete counter', name: string): void {
    this.#refuseInUse(name);
    const { chains, sets, counters } = this.state;
    const from = { 'delete chain': chains, 'delete set': sets, 'delete counter': counters }[kind];
    if (!from.delete(name)) throw new Error(`${kind}: no ${name}`);
  }

  #refuseInUse(name: string): void {
    for (const chain of this.state.chains.values())
      for (const rule of chain.rules)
        if (namesIn(rule).includes(name)) throw new NftError('in-use', `${name} is in use by chain ${chain.name}`);
    for (const set of this.state.sets.values())
      if ([...set.elements.values()].includes(`goto ${name}`))
        throw new NftError('in-use', `${name} is in use by map ${set.name}`);
  }
}

/** Sets, chains and counters that a rule names. */
const namesIn = ({ statements }: Rule): string[] => statements.flatMap(namesInStatement);

function namesInStatement(statement: Statement): string[] {
  const referred = (operand: unknown): string[] =>
    typeof operand === 'string' && operand.startsWith('@') ? [operand.slice(1)] : [];
  if ('match' in statement) return referred(statement.match.right);
  if ('vmap' in statement) return referred(statement.vmap.data);
  if ('set' in statement) return referred(statement.set.set);
  if ('counter' in statement) return [statement.counter];
  if ('goto' in statement) return [statement.goto.target];
  return 'jump' in statement ? [statement.jump.target] : [];
}
