import { CommandList } from '../language/command-list.js';
import type { Effect } from '../../program/types.js';
import type { Transaction } from '../language/command.js';
import type { TableName } from '../language/types.js';

/** A transaction, and the note to take when the kernel has taken it. */
export interface Step {
  readonly transaction: Transaction;
  /** In elements, as a measure of what it costs. */
  readonly weight: number;
  readonly record: () => void;
}

/** In elements: a transaction has to fit one message, and a rule takes as much room in it as a few elements. */
export const weightOfObject = 3;
/** A title may be as long as the rest twice over. */
export const weightOfTitled = 6;
export const weightOfRule = 15;
/** With 20,000 an unprivileged user namespace cannot send it (EMSGSIZE), with 12,000 it can. */
export const heaviestTransaction = 10_000;

/** Collects commands with what they change in the applied ruleset, in as many transactions as the limit asks for. */
export class Batch {
  readonly #table: TableName;
  readonly #effect: Effect;
  readonly #limit: () => number;
  readonly #steps: Step[] = [];
  #weight = 0;
  #records: (() => void)[] = [];
  /** Where the next commands go. */
  commands: CommandList;

  constructor(table: TableName, effect: Effect, limit = (): number => heaviestTransaction) {
    this.#table = table;
    this.#effect = effect;
    this.#limit = limit;
    this.commands = new CommandList(table);
  }

  /** The commands since the last call belong together, and `record` is what they do. */
  done(weight: number, record: () => unknown): void {
    this.#weight += weight;
    this.#records.push(record);
    if (this.#weight >= this.#limit()) this.#close();
  }

  /** The steps that are full; each is returned once. */
  closedSteps(): readonly Step[] {
    return this.#steps.splice(0);
  }

  steps(): readonly Step[] {
    this.#close();
    return this.closedSteps();
  }

  #close(): void {
    const records = this.#records;
    const commands = this.commands;
    const weight = this.#weight;
    this.#records = [];
    this.#weight = 0;
    this.commands = new CommandList(this.#table);
    const record = (): void => {
      for (const one of records) one();
    };
    // Nothing is to be done in the kernel for what is recorded.
    if (commands.isEmpty) record();
    else this.#steps.push({ transaction: commands.transaction(this.#effect), weight, record });
  }
}
