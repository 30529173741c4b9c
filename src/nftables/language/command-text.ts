/**
 * A transaction as nft text. nft reads a file of text in blocks; JSON it takes only as a file of a process of its own, or
 * by its command line, byte by byte.
 */
import type { Command, Transaction } from './command.js';
import { printElement, printHook, printRule, printSetForm } from './statement-text.js';

/** One line for each command; undefined when a name in it can only be given in JSON: chains carry the names of devices. */
export function printTransaction({ family, table, commands }: Transaction): string | undefined {
  if (!commands.every((command) => plainName.test(nameIn(command)))) return undefined;
  const name = `${family} ${table}`;
  return commands.map((command) => `${printCommand(command, name)}\n`).join('');
}

/** As nft's scanner knows a name that is not quoted. */
const plainName = /^[A-Za-z][\w/.-]*$/;

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
    default:
      return command.name;
  }
}

function printCommand(command: Command, table: string): string {
  switch (command.kind) {
    case 'add table':
    case 'delete table':
      return `${command.kind} ${table}`;
    case 'add set':
      return `add ${mapOrSet(command.set)} ${table} ${command.set.name} { ${printSetForm(command.set).join(' ')} }`;
    case 'delete set':
      return `delete ${mapOrSet(command)} ${table} ${command.name}`;
    case 'add elements':
      return `add element ${table} ${command.set} { ${command.elements.map(printElement).join(', ')} }`;
    case 'delete elements':
      return `delete element ${table} ${command.set} { ${command.keys.join(', ')} }`;
    case 'add chain':
      return `add chain ${table} ${command.name}${command.hook === undefined ? '' : ` { ${printHook(command.hook)} }`}`;
    case 'add rule':
      return `add rule ${table} ${command.chain} ${printRule(command.rule)}`;
    default:
      return `${command.kind} ${table} ${command.name}`;
  }
}

const mapOrSet = ({ verdicts }: { readonly verdicts: boolean }): 'map' | 'set' => (verdicts ? 'map' : 'set');
