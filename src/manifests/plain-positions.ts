/** Positions of fields in plain YAML, found by their columns, without a tree. */
import type { PlainDocument } from './plain-yaml.js';
import { PlainLines } from './plain-lines.js';
import { endOfKey, skipSpaces, valueOnLine } from './plain-values.js';
import type { Path } from './positions.js';

/** Offsets: of the first character, and behind the last one. */
type Span = readonly [start: number, end: number];

/** A value, as far as it is known where it ends. */
type Value =
  | { readonly kind: 'block'; readonly start: number; readonly lines: PlainLines }
  | { readonly kind: 'inline'; readonly span: Span; readonly isFlow: boolean }
  /** Nothing, or a text of several lines. */
  | { readonly kind: 'other' };

interface Found {
  /** Of an entry of a mapping. */
  readonly key?: Span;
  readonly value: Value;
}

/** Where the field begins, or its nearest ancestor that is there; undefined: it takes the tree. */
export function startOf(text: string, document: PlainDocument, path: Path): number | undefined {
  const found = find(text, document, path);
  if (found?.key !== undefined) return found.key[0];
  return found === undefined ? undefined : startOfValue(found.value);
}

/** The field's key or value, or the nearest ancestor's that is there; undefined: it takes the tree. */
export function spanOf(
  text: string,
  document: PlainDocument,
  { path, part }: { readonly path: Path; readonly part: 'key' | 'value' },
): Span | undefined {
  const found = find(text, document, path);
  if (found === undefined || (part === 'key' && found.key !== undefined)) return found?.key;
  const { value } = found;
  if (value.kind === 'inline') return value.span;
  if (value.kind === 'other') return undefined;
  const end = endOfBlock(value.lines);
  return end === undefined ? undefined : [value.start, end];
}

function startOfValue(value: Value): number | undefined {
  if (value.kind === 'block') return value.start;
  return value.kind === 'inline' ? value.span[0] : undefined;
}

function find(text: string, { start }: PlainDocument, path: Path): Found | undefined {
  const lines = new PlainLines(text, start);
  lines.advance();
  let found: Found = { value: block(lines) };
  for (const part of path) {
    const { value } = found;
    if (value.kind === 'other' || (value.kind === 'inline' && value.isFlow)) return undefined;
    if (value.kind === 'inline') break;
    const below = value.lines.fork();
    const next = below.isItem() ? item(below, part) : entry(below, String(part));
    if (next === undefined) break;
    found = next;
  }
  return found;
}

const block = (lines: PlainLines): Value => ({ kind: 'block', start: lines.from, lines });

function entry(lines: PlainLines, name: string): Found | undefined {
  const { text, indent } = lines;
  while (lines.indent >= indent) {
    // A list in the column of its key is the value of the key before it.
    const colon = lines.indent > indent || lines.isItem() ? undefined : endOfKey(text, lines.from, lines.to);
    if (colon !== undefined && text.slice(lines.from, colon) === name) {
      const key: Span = [lines.from, colon];
      return { key, value: valueBehind(lines, skipSpaces(text, colon + 1, lines.to), { indent, isEntry: true }) };
    }
    lines.advance();
  }
  return undefined;
}

function item(lines: PlainLines, index: string | number): Found | undefined {
  const { indent } = lines;
  let count = 0;
  while (lines.isBelow(indent, true)) {
    if (lines.indent === indent) {
      if (count === index) return itemHere(lines);
      count += 1;
    }
    lines.advance();
  }
  return undefined;
}

function itemHere(lines: PlainLines): Found {
  const at = lines.behindDash();
  if (!lines.startsBlock(at)) return { value: valueBehind(lines, at, { indent: lines.indent, isEntry: false }) };
  lines.enterItem(at);
  return { value: block(lines) };
}

function valueBehind(
  lines: PlainLines,
  at: number,
  { indent, isEntry }: { readonly indent: number; readonly isEntry: boolean },
): Value {
  switch (lines.styleAt(at)) {
    case 'literal':
      return { kind: 'other' };
    case 'inline': {
      const end = valueOnLine(lines.text, at, lines.to)?.end;
      return end === undefined
        ? { kind: 'other' }
        : { kind: 'inline', span: [at, end], isFlow: isFlow(lines.text, at) };
    }
    case 'below':
      lines.advance();
      return lines.isBelow(indent, isEntry) ? block(lines) : { kind: 'other' };
  }
}

const isFlow = (text: string, at: number): boolean => text[at] === '[' || text[at] === '{';

/**
 * A mapping or list ends where its last line does, if that is a value, and the next one that says something follows at
 * once: whose the lines between are, only the YAML reader knows.
 */
function endOfBlock(at: PlainLines): number | undefined {
  const lines = at.fork();
  const { text, indent } = lines;
  const isList = lines.isItem();
  let last = '';
  let end = 0;
  do {
    last = text.slice(lines.from, lines.to);
    if (/\|-?$/.test(last)) return undefined;
    end = Math.min(lines.next, text.length);
    lines.advance();
  } while (isList ? lines.isBelow(indent, true) : lines.indent >= indent);
  const isValue = !/ #|:$|(^| )-$/.test(last);
  return isValue && lines.start === end ? end : undefined;
}
