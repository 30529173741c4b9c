/**
 * A transaction as nft text. nft reads a file of text in blocks; JSON it takes only as a file of a process of its own, or
 * by its command line, byte by byte.
 */
import { printExpression, printStatement } from './text.js';
import type { Command, Statement, Transaction } from './types.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * One line for each command; undefined when a name in it can only be given in JSON: chains carry the names of devices.
 * @throws Error for a command that our transactions do not have
 */
export function printTransaction({ commands }: Pick<Transaction, 'commands'>): string | undefined {
  const named = commands.flatMap((command) => Object.values(onlyEntry(command)[1] as Json)) as readonly Json[];
  const names = named.flatMap(({ name = [], chain = [] }) => [name, chain].flat()) as readonly string[];
  if (!names.every((name) => plainName.test(name))) return undefined;
  return commands.map((command) => `${printCommand(command)}\n`).join('');
}

/** As nft's scanner knows a name that is not quoted. */
const plainName = /^[A-Za-z][\w/.-]*$/;

function printCommand(command: Command): string {
  const [verb, target] = onlyEntry(command);
  const [kind, object] = onlyEntry(target) as [string, Json];
  if (kind === 'table') return `${verb} table ${word(object, 'family')} ${word(object, 'name')}`;
  const table = `${word(object, 'family')} ${word(object, 'table')}`;
  if (kind === 'rule') return `${verb} rule ${table} ${word(object, 'chain')} ${printRule(object)}`;
  const head = `${verb} ${kind} ${table} ${word(object, 'name')}`;
  if (kind === 'element') return `${head} { ${(object['elem'] as unknown[]).map(printElement).join(', ')} }`;
  return verb === 'add' ? `${head}${printBody(kind, object)}` : head;
}

function onlyEntry(value: unknown): [string, unknown] {
  const [entry, ...others] = Object.entries(value as Json);
  if (entry === undefined || others.length > 0) throw new Error(`no command: ${JSON.stringify(value)}`);
  return entry;
}

function word(object: Json, key: string): string {
  const value = object[key];
  if (typeof value !== 'string' && typeof value !== 'number') throw new Error(`no ${key} in ${JSON.stringify(object)}`);
  return String(value);
}

function printRule(rule: Json): string {
  const statements = (rule['expr'] as Statement[]).map(printStatement).join(' ');
  return rule['comment'] === undefined ? statements : `${statements} comment "${word(rule, 'comment')}"`;
}

/** Of a map a key and its verdict, else a key. */
const printElement = (element: unknown): string =>
  Array.isArray(element)
    ? `${printExpression(element[0])} : ${printStatement(element[1] as Statement)}`
    : printExpression(element);

function printBody(kind: string, object: Json): string {
  switch (kind) {
    case 'counter':
      return '';
    case 'chain':
      return object['hook'] === undefined ? '' : ` { ${printHook(object)} }`;
    case 'set':
    case 'map':
      return ` { ${printType(object)} }`;
    default:
      throw new Error(`no text for adding ${kind}`);
  }
}

function printHook(chain: Json): string {
  const device = chain['dev'] === undefined ? '' : ` device "${word(chain, 'dev')}"`;
  const hook = `type ${word(chain, 'type')} hook ${word(chain, 'hook')}${device}`;
  return `${hook} priority ${word(chain, 'prio')}; policy ${word(chain, 'policy')};`;
}

function printType(set: Json): string {
  const type = [set['type']].flat().join(' . ');
  const parts = [`type ${type}${set['map'] === undefined ? '' : ` : ${word(set, 'map')}`};`];
  const flags = set['flags'] as readonly string[] | undefined;
  // What JSON leaves to be implied: packets add to a set with a time-out.
  if (flags !== undefined) parts.push(`flags ${flags.includes('timeout') ? 'dynamic,' : ''}${flags.join(',')};`);
  if (set['size'] !== undefined) parts.push(`size ${word(set, 'size')};`);
  if (set['timeout'] !== undefined) parts.push(`timeout ${word(set, 'timeout')}s;`);
  return parts.join(' ');
}
