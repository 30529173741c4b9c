/**
 * A transaction as nft text. nft reads a file of text in blocks; JSON it takes only as a file of a process of its own, or
 * by its command line, byte by byte.
 */
import type { Command, Transaction } from './command.js';
import type { KeysBy } from './key-types.js';
import type { SetForm } from './types.js';
import { printBlock, printComment, printElement, printHook, printRule, printSetForm } from './statement-text.js';

/** Objects whose titles nft takes as comments. */
export type Commented = ReadonlySet<'table' | 'set' | 'chain'>;
export const allCommented: Commented = new Set(['table', 'set', 'chain'] as const);

/** What differs between versions of nft. */
export interface Syntax {
  readonly commented: Commented;
  readonly keysBy: KeysBy;
}

/** That of nft 1.0.6. */
const defaultSyntax: Syntax = { commented: allCommented, keysBy: 'type' };

/** One line for each command; undefined when a name in it can only be given in JSON: chains carry the names of devices. */
export function printTransaction(transaction: Transaction, syntax = defaultSyntax): string | undefined {
  const { family, table, commands } = transaction;
  if (!commands.every((command) => plainName.test(nameIn(command)))) return undefined;
  const context = { table: `${family} ${table}`, ...syntax };
  return commands.map((command) => `${printCommand(command, context)}\n`).join('');
}

/** As nft's scanner knows a name that is not quoted. */
const plainName = /^[A-Za-z][\w/.-]*$/;
/** Whether text can carry names that end with this one. */
export const isPlainName = (name: string): boolean => plainName.test(`x-${name}`);

function nameIn(command: Command): string {
  switch (command.kind) {
    case 'add table':
    case 'delete table':
      return 'table';
    case 'add set':
      return command.set.name;
    case 'add elements':
    case 'delete elements':
      return command.set;
    case 'add rule':
      return command.chain;
    case 'delete other':
      return command.object.name;
    default:
      return command.name;
  }
}

interface Context extends Syntax {
  readonly table: string;
}

function printCommand(command: Command, { table, commented, keysBy }: Context): string {
  const comment = (kind: 'table' | 'set' | 'chain', title: string | undefined): string[] =>
    commented.has(kind) ? printComment(title) : [];
  switch (command.kind) {
    case 'add table':
      return `add table ${table}${printBlock(comment('table', command.title))}`;
    case 'delete table':
      return `delete table ${table}`;
    case 'add set': {
      const { set } = command;
      return `add ${mapOrSet(set)} ${table} ${set.name}${printBlock([...printSetForm(set, keysBy), ...comment('set', keepsComment(set) ? set.title : undefined)])}`;
    }
    case 'delete set':
      return `delete ${mapOrSet(command)} ${table} ${command.name}`;
    case 'delete other':
      return `delete ${command.object.kind} ${table} ${command.object.name}`;
    case 'add elements':
      return `add element ${table} ${command.set} { ${command.elements.map(printElement).join(', ')} }`;
    case 'delete elements':
      return `delete element ${table} ${command.set} { ${command.keys.join(', ')} }`;
    case 'add chain':
      return `add chain ${table} ${command.name}${printBlock([...comment('chain', command.title), ...printHook(command.hook)])}`;
    case 'add rule':
      return `add rule ${table} ${command.chain} ${printRule(command.rule)}`;
    default:
      return `${command.kind} ${table} ${command.name}`;
  }
}

/**
 * A comment is part of the set's own memory. A set of intervals has room for it; all others would take the next larger
 * piece, 512 bytes each: 7 % of a table of 10,000 policies (nft 1.0.6, Linux 6.18). Comments of chains add 1 %.
 */
const keepsComment = ({ interval }: SetForm): boolean => interval;

const mapOrSet = ({ verdicts }: { readonly verdicts: boolean }): 'map' | 'set' => (verdicts ? 'map' : 'set');
