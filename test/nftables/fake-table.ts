/** Does what nft does to a table's objects, and refuses what the kernel refuses: missing names and what is in use. */
import { emptyRuleset, type MutableRuleset } from '../../src/nftables/language/applied.js';
import { parseListing } from '../../src/nftables/language/listing.js';
import type { Command, Rule, Transaction } from '../../src/nftables/language/types.js';
import { elementFromJson } from '../../src/nftables/language/elements.js';

type Body = Readonly<Record<string, unknown>> & { readonly name: string };

export class FakeTable {
  state: MutableRuleset = emptyRuleset();
  exists = false;

  apply({ commands }: Transaction): void {
    for (const command of commands) this.#command(command);
  }

  #command(command: Command): void {
    const [verb = '', what] = Object.entries(command)[0] ?? [];
    const [kind = '', body] = Object.entries(what as Record<string, Body>)[0] ?? [];
    if (body === undefined) throw new Error('no body');
    if (kind === 'table') this.#table(verb);
    else if (!this.exists) throw new Error('no table');
    else if (verb === 'add') this.#add(kind, body);
    else if (verb === 'flush') this.#setRules(body.name, () => []);
    else this.#delete(kind, body);
  }

  #table(verb: string): void {
    if (verb === 'delete') this.state = emptyRuleset();
    this.exists = verb === 'add';
  }

  #add(kind: string, body: Body): void {
    if (kind === 'counter') this.state.counters.add(body.name);
    else if (kind === 'chain' || kind === 'set' || kind === 'map') {
      const parsed = parseListing([{ [kind]: body }]);
      for (const [name, chain] of parsed.chains) if (!this.state.chains.has(name)) this.state.chains.set(name, chain);
      for (const [name, set] of parsed.sets) if (!this.state.sets.has(name)) this.state.sets.set(name, set);
    } else if (kind === 'rule') this.#addRule(body);
    else this.#addElements(body);
  }

  #addRule(body: Body): void {
    const rule = { statements: body['expr'], ...('comment' in body ? { comment: body['comment'] } : {}) } as Rule;
    for (const name of namesIn(rule)) if (!this.#has(name)) throw new Error(`rule names ${name}, which is missing`);
    this.#setRules(String(body['chain']), (rules) => [...rules, rule]);
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

  #addElements(body: Body): void {
    const set = this.state.sets.get(body.name);
    if (set === undefined) throw new Error(`no set ${body.name}`);
    const listed = body['elem'] as unknown[];
    if (listed.length === 0) throw new Error('an empty list of elements');
    for (const [key, value] of listed.map((element) => elementFromJson(element, set.verdicts))) {
      if (set.elements.has(key) && set.elements.get(key) !== value) throw new Error(`${key} exists in ${body.name}`);
      if (set.verdicts && !this.state.chains.has(value.replace('goto ', ''))) throw new Error(`no chain for ${value}`);
      set.elements.set(key, value);
    }
  }

  #delete(kind: string, body: Body): void {
    if (kind === 'element') {
      const set = this.state.sets.get(body.name);
      for (const element of body['elem'] as unknown[]) {
        const [key] = elementFromJson(element, false);
        if (set?.elements.delete(key) !== true) throw new Error(`no element ${key} in ${body.name}`);
      }
      return;
    }
    this.#refuseInUse(body.name);
    const objects = {
      chain: this.state.chains,
      set: this.state.sets,
      map: this.state.sets,
      counter: this.state.counters,
    };
    const from = objects[kind as keyof typeof objects];
    if (!from.delete(body.name)) throw new Error(`no ${kind} ${body.name}`);
  }

  #refuseInUse(name: string): void {
    for (const chain of this.state.chains.values())
      for (const rule of chain.rules)
        if (namesIn(rule).includes(name)) throw new Error(`${name} is in use by chain ${chain.name}`);
    for (const set of this.state.sets.values())
      if ([...set.elements.values()].includes(`goto ${name}`)) throw new Error(`${name} is in use by map ${set.name}`);
  }
}

/** Sets, chains and counters that a rule names. */
function namesIn(rule: Rule): string[] {
  const text = JSON.stringify(rule.statements);
  return [...text.matchAll(/"@([^"]+)"|"target":"([^"]+)"|"counter":"([^"]+)"/g)].map(
    ([, set, target, counter]) => set ?? target ?? counter ?? '',
  );
}
