/**
 * A transaction as nft text. nft reads a file of text in blocks; JSON it takes only as a file of a process of its own, or
 * by its command line, byte by byte.
 */
import { printExpression, printHook, printRule, printSetForm, printStatement } from './statement-text.js';
import type { Command, Hook, KeyType, NftSet, Rule, Statement, Transaction } from './types.js';

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
  if (kind === 'rule') return `${verb} rule ${table} ${word(object, 'chain')} ${printRule(ruleIn(object))}`;
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
      return object['hook'] === undefined ? '' : ` { ${printHook(hookIn(object))} }`;
    case 'set':
    case 'map':
      return ` { ${printSetForm(setIn(kind, object)).join(' ')} }`;
    default:
      throw new Error(`no text for adding ${kind}`);
  }
}

// The inverse of what Commands makes of rules, hooks and sets.

const ruleIn = (rule: Json): Rule => ({
  statements: rule['expr'] as readonly Statement[],
  ...(rule['comment'] === undefined ? {} : { comment: word(rule, 'comment') }),
});

const hookIn = (chain: Json): Hook => ({
  type: word(chain, 'type') as Hook['type'],
  hook: word(chain, 'hook') as Hook['hook'],
  priority: Number(word(chain, 'prio')),
  policy: word(chain, 'policy') as Hook['policy'],
  ...(chain['dev'] === undefined ? {} : { device: word(chain, 'dev') }),
});

const setIn = (kind: 'set' | 'map', set: Json): Omit<NftSet, 'name' | 'elements'> => ({
  type: [set['type']].flat() as readonly KeyType[],
  verdicts: kind === 'map',
  interval: [set['flags']].flat().includes('interval'),
  ...(set['timeout'] === undefined
    ? {}
    : { dynamic: { timeoutSeconds: Number(word(set, 'timeout')), size: Number(word(set, 'size')) } }),
});
