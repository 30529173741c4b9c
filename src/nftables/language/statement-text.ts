/** Parts of rulesets and transactions as nft text. */
import type { Hook, NftSet, Rule, Statement } from './types.js';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function bodyOf(value: Json, key: string): Json | undefined {
  const body = value[key];
  return isObject(body) ? body : undefined;
}

const unknownForm = (value: unknown): never => {
  throw new Error(`no text for ${JSON.stringify(value)}`);
};

function printList(values: unknown): string {
  return Array.isArray(values) ? values.map(printExpression).join(', ') : printExpression(values);
}

/** An expression as nft text. @throws Error for a form that our rules and sets do not have */
export function printExpression(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (!isObject(value)) return unknownForm(value);
  const ct = bodyOf(value, 'ct');
  if (ct !== undefined) return ['ct', ct['dir'], ct['key']].filter((word) => typeof word === 'string').join(' ');
  const meta = bodyOf(value, 'meta');
  if (meta !== undefined) return `meta ${String(meta['key'])}`;
  const payload = bodyOf(value, 'payload');
  if (payload !== undefined) return `${String(payload['protocol'])} ${String(payload['field'])}`;
  const { concat, set, prefix, range } = value;
  const masked = value['&'];
  if (Array.isArray(concat)) return concat.map(printExpression).join(' . ');
  if (Array.isArray(set)) return `{ ${printList(set)} }`;
  if (isObject(prefix)) return `${String(prefix['addr'])}/${String(prefix['len'])}`;
  if (Array.isArray(range)) return range.map(printExpression).join('-');
  if (Array.isArray(masked)) {
    const [left, flags] = masked as unknown[];
    const names = Array.isArray(flags) ? `(${flags.map(printExpression).join(' | ')})` : printExpression(flags);
    return `${printExpression(left)} & ${names}`;
  }
  return unknownForm(value);
}

function printMatch(match: Json): string {
  const { op, left, right } = match;
  // `in` and `==` are what nft assumes; a list on the right is one of several states.
  const operator = op === '!=' ? '!= ' : '';
  return `${printExpression(left)} ${operator}${Array.isArray(right) ? right.map(printExpression).join(',') : printExpression(right)}`;
}

/** A statement of a rule, or a verdict, as nft text. @throws as printExpression */
export function printStatement(statement: Statement): string {
  const match = bodyOf(statement, 'match');
  if (match !== undefined) return printMatch(match);
  const vmap = bodyOf(statement, 'vmap');
  if (vmap !== undefined) return `${printExpression(vmap['key'])} vmap ${printList(vmap['data'])}`;
  const set = bodyOf(statement, 'set');
  if (set !== undefined) {
    const limited = Array.isArray(set['stmt']) ? set['stmt'].map((one: Statement) => ` ${printStatement(one)}`) : [];
    return `${String(set['op'])} ${String(set['set'])} { ${printExpression(set['elem'])}${limited.join('')} }`;
  }
  const limit = bodyOf(statement, 'limit');
  if (limit !== undefined)
    return `limit rate ${String(limit['rate'])}/${String(limit['per'])} burst ${String(limit['burst'])} packets`;
  const log = bodyOf(statement, 'log');
  if (log !== undefined)
    return `log prefix "${String(log['prefix'])}" group ${String(log['group'])} snaplen ${String(log['snaplen'])} queue-threshold ${String(log['queue-threshold'])}`;
  if (typeof statement['counter'] === 'string') return `counter name "${statement['counter']}"`;
  for (const word of ['goto', 'jump'])
    if (word in statement) return `${word} ${String(bodyOf(statement, word)?.['target'])}`;
  for (const word of ['accept', 'drop', 'return']) if (word in statement) return word;
  return unknownForm(statement);
}

/** Statements and comment; where it stands is for the caller to say. @throws as printExpression */
export const printRule = ({ statements, comment }: Rule): string =>
  `${statements.map(printStatement).join(' ')}${comment === undefined ? '' : ` comment "${comment}"`}`;

export function printHook({ type, hook, device, priority, policy }: Hook): string {
  const on = device === undefined ? '' : ` device "${device}"`;
  return `type ${type} hook ${hook}${on} priority ${priority}; policy ${policy};`;
}

/** What a set or map may hold, in parts that stand before its elements. */
export function printSetForm({ type, verdicts, interval, dynamic }: Omit<NftSet, 'name' | 'elements'>): string[] {
  const flags = [...(interval ? ['interval'] : []), ...(dynamic === undefined ? [] : ['dynamic', 'timeout'])];
  return [
    `type ${type.join(' . ')}${verdicts ? ' : verdict' : ''};`,
    ...(flags.length === 0 ? [] : [`flags ${flags.join(',')};`]),
    ...(dynamic === undefined ? [] : [`size ${dynamic.size};`, `timeout ${dynamic.timeoutSeconds}s;`]),
  ];
}
