/** Values on one line without YAML's rarer syntax. */
import { valueOfPlain } from './yaml-scalars.js';

/** A value and where it ends; undefined: it is not plain enough. */
type Inline = { readonly value: unknown; readonly end: number } | undefined;

const deepestFlow = 20;
const longestKey = 200;
const [space, hash, quote, apostrophe, comma, colon] = [0x20, 0x23, 0x22, 0x27, 0x2c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket, dash] = [0x7b, 0x7d, 0x5b, 0x5d, 0x2d];
/** Of a scalar without quotes: none of YAML's indicators. */
const first = /[A-Za-z0-9_./~+$(-]/;
const key = /[A-Za-z][\w./-]*/y;
const simpleEscapes = /^"(?:[^"\\]|\\["\\/bfnrt])*"$/;

/** Offset of the colon behind the key that begins here; undefined where there is no key, or not a plain one. */
export function endOfKey(text: string, at: number, end: number): number | undefined {
  key.lastIndex = at;
  const name = key.exec(text)?.[0];
  if (name === undefined || name.length > longestKey) return undefined;
  const behind = at + name.length;
  const isKey = text.charCodeAt(behind) === colon && (behind + 1 >= end || text.charCodeAt(behind + 1) === space);
  // `on` and `no` are keys as well, but are called otherwise.
  return isKey && behind < end && valueOfPlain(name) === name ? behind : undefined;
}

export function skipSpaces(text: string, at: number, end: number): number {
  let next = at;
  while (next < end && text.charCodeAt(next) === space) next += 1;
  return next;
}

/** The value that fills the rest of a line, `end` exclusive, but for a comment. */
export function valueOnLine(text: string, at: number, end: number): Inline {
  const code = text.charCodeAt(at);
  if (code !== quote && code !== apostrophe && code !== openBrace && code !== openBracket)
    return plainOnLine(text, at, end);
  const found = inFlow(text, at, { end, depth: 0 });
  if (found === undefined) return undefined;
  const next = skipSpaces(text, found.end, end);
  return next >= end || (next > found.end && text.charCodeAt(next) === hash) ? found : undefined;
}

function plainOnLine(text: string, at: number, end: number): Inline {
  const line = text.slice(at, end);
  const comment = line.indexOf(' #');
  return plain(comment < 0 ? line : line.slice(0, comment).trimEnd(), at);
}

function plain(text: string, at: number): Inline {
  const [begin = ''] = text;
  if (!first.test(begin) || text.includes(': ') || text.endsWith(':')) return undefined;
  if (begin === '-' && (text.length === 1 || text[1] === ' ')) return undefined;
  const value = valueOfPlain(text);
  // The YAML reader reports what JSON has no number for.
  return typeof value === 'number' && !Number.isFinite(value) ? undefined : { value, end: at + text.length };
}

interface Within {
  readonly end: number;
  readonly depth: number;
}

/** A value in brackets, or one that begins with its own. */
function inFlow(text: string, at: number, { end, depth }: Within): Inline {
  if (depth > deepestFlow) return undefined;
  switch (text.charCodeAt(at)) {
    case openBracket:
      return list(text, at + 1, { end, depth: depth + 1 });
    case openBrace:
      return mapping(text, at + 1, { end, depth: depth + 1 });
    case quote:
      return doubleQuoted(text, at, end);
    case apostrophe:
      return singleQuoted(text, at, end);
    default:
      return plainInFlow(text, at, end);
  }
}

function list(text: string, at: number, within: Within): Inline {
  const items: unknown[] = [];
  let next = skipSpaces(text, at, within.end);
  if (text.charCodeAt(next) === closeBracket) return { value: items, end: next + 1 };
  for (;;) {
    const item = inFlow(text, next, within);
    if (item === undefined) return undefined;
    items.push(item.value);
    next = skipSpaces(text, item.end, within.end);
    if (next >= within.end) return undefined;
    const code = text.charCodeAt(next);
    if (code === closeBracket) return { value: items, end: next + 1 };
    if (code !== comma) return undefined;
    next = skipSpaces(text, next + 1, within.end);
  }
}

/** False leaves the text to the YAML library: it reports a duplicate key, and assigning cannot make a `__proto__`. */
export const isNewKey = (object: object, key: string): boolean => key !== '__proto__' && !Object.hasOwn(object, key);

function mapping(text: string, at: number, within: Within): Inline {
  const object: Record<string, unknown> = {};
  let next = skipSpaces(text, at, within.end);
  if (text.charCodeAt(next) === closeBrace) return { value: object, end: next + 1 };
  for (;;) {
    const behind = endOfKey(text, next, within.end);
    if (behind === undefined) return undefined;
    const name = text.slice(next, behind);
    const entry = inFlow(text, skipSpaces(text, behind + 1, within.end), within);
    if (entry === undefined || !isNewKey(object, name)) return undefined;
    object[name] = entry.value;
    next = skipSpaces(text, entry.end, within.end);
    if (next >= within.end) return undefined;
    const code = text.charCodeAt(next);
    if (code === closeBrace) return { value: object, end: next + 1 };
    if (code !== comma) return undefined;
    next = skipSpaces(text, next + 1, within.end);
  }
}

function plainInFlow(text: string, at: number, end: number): Inline {
  let next = at;
  while (next < end && !isPlainEnd(text.charCodeAt(next))) next += 1;
  const code = text.charCodeAt(next);
  return next < end && (code === comma || code === closeBrace || code === closeBracket)
    ? plain(text.slice(at, next).trimEnd(), at)
    : undefined;
}

const isPlainEnd = (code: number): boolean =>
  code === comma ||
  code === hash ||
  code === openBrace ||
  code === closeBrace ||
  code === openBracket ||
  code === closeBracket;

function doubleQuoted(text: string, at: number, end: number): Inline {
  let next = at + 1;
  while (next < end && text.charCodeAt(next) !== quote) next += text[next] === '\\' ? 2 : 1;
  if (next >= end) return undefined;
  const quoted = text.slice(at, next + 1);
  if (!quoted.includes('\\')) return { value: quoted.slice(1, -1), end: next + 1 };
  return simpleEscapes.test(quoted) ? { value: JSON.parse(quoted), end: next + 1 } : undefined;
}

function singleQuoted(text: string, at: number, end: number): Inline {
  let next = text.indexOf("'", at + 1);
  while (next >= 0 && next + 1 < end && text.charCodeAt(next + 1) === apostrophe) next = text.indexOf("'", next + 2);
  if (next < 0 || next >= end) return undefined;
  return { value: text.slice(at + 1, next).replaceAll("''", "'"), end: next + 1 };
}

/** Whether an item of a list begins here. */
export const isItem = (text: string, at: number, end: number): boolean =>
  text.charCodeAt(at) === dash && (at + 1 === end || text.charCodeAt(at + 1) === space);
