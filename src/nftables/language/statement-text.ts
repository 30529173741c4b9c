/** Parts of rulesets and transactions as nft text. */
import { commentOf } from './comment-text.js';
import type { Element } from './command.js';
import { hasNoWord, needsTypeof, typeofKeys, type KeysBy } from './key-types.js';
import type { Expression, Hook, Operand, Rule, SetForm, Statement } from './types.js';

function printExpression(expression: Expression): string {
  if ('ct' in expression) {
    const { key, dir } = expression.ct;
    return dir === undefined ? `ct ${key}` : `ct ${dir} ${key}`;
  }
  if ('meta' in expression) return `meta ${expression.meta.key}`;
  if ('payload' in expression) return printPayload(expression.payload);
  if ('exthdr' in expression) {
    const { name, field } = expression.exthdr;
    return field === undefined ? `exthdr ${name}` : `${name} ${field}`;
  }
  if ('ip option' in expression) return `ip option ${expression['ip option'].name}`;
  if ('fib' in expression) return `fib ${expression.fib.flags.join(' . ')} ${expression.fib.result}`;
  if ('concat' in expression) return expression.concat.map(printExpression).join(' . ');
  const [field, mask] = expression['&'];
  return `${printExpression(field)} & ${typeof mask === 'number' ? mask : `(${mask.join(' | ')})`}`;
}

const printPayload = (payload: Extract<Expression, { payload: unknown }>['payload']): string =>
  'base' in payload ? `@${payload.base},${payload.offset},${payload.len}` : `${payload.protocol} ${payload.field}`;

function printOperand(operand: Operand): string {
  if (operand === true) return 'exists';
  if (typeof operand === 'string' || typeof operand === 'number') return String(operand);
  if ('set' in operand) return `{ ${operand.set.map(printOperand).join(', ')} }`;
  if ('prefix' in operand) return `${operand.prefix.addr}/${operand.prefix.len}`;
  return operand.join(',');
}

function printStatement(statement: Statement): string {
  if ('match' in statement) {
    const { op, left, right } = statement.match;
    // `in` and `==` are what nft assumes.
    return `${printExpression(left)} ${op === '!=' || op === '<=' ? `${op} ` : ''}${printOperand(right)}`;
  }
  if ('vmap' in statement) return `${printExpression(statement.vmap.key)} vmap ${statement.vmap.data}`;
  if ('set' in statement) {
    const { op, set, elem, stmt = [] } = statement.set;
    return `${op} ${set} { ${[printExpression(elem), ...stmt.map(printStatement)].join(' ')} }`;
  }
  if ('limit' in statement) {
    const { rate, per, burst } = statement.limit;
    return `limit rate ${rate}/${per} burst ${burst} packets`;
  }
  if ('log' in statement) {
    const { prefix, group, snaplen, 'queue-threshold': threshold } = statement.log;
    return `log prefix "${prefix}" group ${group} snaplen ${snaplen} queue-threshold ${threshold}`;
  }
  if ('counter' in statement) return `counter name "${statement.counter}"`;
  if ('goto' in statement) return `goto ${statement.goto.target}`;
  if ('jump' in statement) return `jump ${statement.jump.target}`;
  return 'accept' in statement ? 'accept' : 'drop' in statement ? 'drop' : 'return';
}

/** Statements and comment; where it stands is for the caller to say. */
export const printRule = ({ statements, comment }: Rule): string =>
  `${statements.map(printStatement).join(' ')}${comment === undefined ? '' : ` comment "${comment}"`}`;

/** Keys and verdicts are nft's text as they stand. */
export const printElement = ([key, value]: Element): string => (value === '' ? key : `${key} : ${value}`);

/** Parts in braces, or nothing. */
export const printBlock = (parts: readonly string[]): string => (parts.length === 0 ? '' : ` { ${parts.join(' ')} }`);

export const printComment = (title: string | undefined): string[] =>
  title === undefined ? [] : [`comment "${commentOf(title)}";`];

export function printHook(hook: Hook | undefined): string[] {
  if (hook === undefined) return [];
  const { type, hook: point, device, priority, policy } = hook;
  const on = device === undefined ? '' : ` device "${device}"`;
  return [`type ${type} hook ${point}${on} priority ${priority}; policy ${policy};`];
}

/** What a set or map may hold, in parts that stand before its elements. */
export function printSetForm(form: SetForm, keysBy: KeysBy = 'type'): string[] {
  const { type, verdicts, interval, dynamic } = form;
  const keys =
    hasNoWord(form) || (keysBy === 'typeof' && needsTypeof(form))
      ? `typeof ${printExpression(typeofKeys(type))}`
      : `type ${type.join(' . ')}`;
  const timeout = dynamic?.timeoutSeconds;
  const flags = [
    ...(interval ? ['interval'] : []),
    ...(dynamic === undefined ? [] : ['dynamic']),
    ...(timeout === undefined ? [] : ['timeout']),
  ];
  return [
    `${keys}${verdicts ? ' : verdict' : ''};`,
    ...(flags.length === 0 ? [] : [`flags ${flags.join(',')};`]),
    ...(dynamic === undefined ? [] : [`size ${dynamic.size};`]),
    ...(timeout === undefined ? [] : [`timeout ${timeout}s;`]),
  ];
}
