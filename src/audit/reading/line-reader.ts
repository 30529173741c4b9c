import { KeyPattern } from './key-pattern.js';
import { NextOccurrence } from './next-occurrence.js';
import { currentRecord, currentValue, previousVersion } from './previous-version.js';
import { schemaVersion, type AuditRecord } from '../record.js';

/** A record as filters and groups read it. */
export interface RecordFields {
  /** The value of a key, when it is a string or a number; {@link record} has lists and objects. */
  get(key: string): string | number | undefined;
  record(): AuditRecord;
}

/** A line that is no record; its message says why. */
export class MalformedLine extends Error {
  override readonly name = 'MalformedLine';
}

const prefixOf = (version: number): string => `{"schema_version":${version},`;
const prefix = prefixOf(schemaVersion);
const previousPrefix = prefixOf(previousVersion);
/** How a second record in the same line begins. */
const beginning = '{"schema_version"';
const [quote, closingBrace] = [0x22, 0x7d];

/** Where a key was in the previous line. */
interface Cursor {
  readonly pattern: KeyPattern;
  at: number;
}

/** In characters: a key is searched this far from its expected place before the whole line is searched. */
const nearby = 4;

/**
 * Reads one line after the other. Parsing a million records takes longer than users wait. So a line as the agent writes it
 * (no spaces, no escapes) is only searched for the keys that are asked for: in flat JSON without escapes, `"key":` occurs
 * nowhere else. Every other line is parsed.
 */
export class LineReader implements RecordFields {
  readonly #cursors = new Map<string, Cursor>();
  /** Many lines; one of them is read at a time. */
  #lines = '';
  /** Their bytes, where each character is one byte. */
  #bytes: DataView | undefined;
  #start = 0;
  #end = 0;
  /** The current line, once it is asked for. */
  #text: string | undefined;
  #parsed: AuditRecord | undefined;
  /** The line is of the previous version. */
  #isPrevious = false;
  /** How far keys are from their places in the previous line, and from which place on: values differ in length. */
  #shift = 0;
  #shiftedFrom = 0;
  /** Where the next escape and the next record begin. */
  readonly #escape = new NextOccurrence('\\');
  readonly #second = new NextOccurrence(beginning);

  get text(): string {
    this.#text ??= this.#lines.slice(this.#start, this.#end);
    return this.#text;
  }

  /** The text whose lines are taken next, from its beginning on. @param bytes of the text, where each character is one byte */
  open(lines: string, bytes?: DataView): this {
    this.#lines = lines;
    this.#bytes = bytes;
    this.#escape.open(lines);
    this.#second.open(lines);
    return this;
  }

  /** @throws MalformedLine; so do the other methods, for a line that only looks like a record */
  takeLine(start: number, end: number): this {
    this.#start = start;
    this.#end = end;
    this.#text = undefined;
    this.#parsed = undefined;
    this.#shift = 0;
    this.#shiftedFrom = 0;
    if (!this.#isPlain()) this.#parsed = parseRecord(this.text);
    return this;
  }

  /** Takes a text of one line, as {@link takeLine}. */
  take(line: string): this {
    return this.open(line).takeLine(0, line.length);
  }

  get(key: string): string | number | undefined {
    if (this.#parsed !== undefined) return plainValue(this.#parsed[key as keyof AuditRecord]);
    const start = this.#find(key);
    if (start < 0) return undefined;
    const lines = this.#lines;
    const code = lines.charCodeAt(start);
    if (code === quote) {
      const end = lines.indexOf('"', start + 1);
      if (end <= 0 || end >= this.#end) return this.#wholeValue(key);
      const value = lines.slice(start + 1, end);
      return this.#isPrevious ? currentValue(key, value) : value;
    }
    let value = 0;
    let at = start;
    for (let digit = code - 48; digit >= 0 && digit <= 9; digit = lines.charCodeAt((at += 1)) - 48)
      value = value * 10 + digit;
    return at > start ? value : this.#wholeValue(key);
  }

  record(): AuditRecord {
    this.#parsed ??= parseRecord(this.text);
    return this.#parsed;
  }

  #wholeValue(key: string): string | number | undefined {
    return plainValue(this.record()[key as keyof AuditRecord]);
  }

  /** Whether the line is one whole record: a line that was cut and then continued contains a second beginning. */
  #isPlain(): boolean {
    const [lines, start, end] = [this.#lines, this.#start, this.#end];
    const isCurrent = lines.startsWith(prefix, start);
    this.#isPrevious = !isCurrent && lines.startsWith(previousPrefix, start);
    return (
      (isCurrent || this.#isPrevious) &&
      lines.charCodeAt(end - 1) === closingBrace &&
      this.#escape.from(start) >= end &&
      this.#second.from(start + 1) >= end
    );
  }

  /** Where the key's value begins; -1 when the line has no such key. */
  #find(key: string): number {
    let cursor = this.#cursors.get(key);
    if (cursor === undefined) this.#cursors.set(key, (cursor = { pattern: new KeyPattern(key), at: 0 }));
    const { pattern, at } = cursor;
    const expected = at < this.#shiftedFrom ? at : at + this.#shift;
    let found = this.#isAt(pattern, expected) ? expected : this.#nearby(pattern, expected);
    if (found === expected) {
      cursor.at = expected;
      return this.#start + expected + pattern.text.length;
    }
    if (found < 0) found = this.text.indexOf(pattern.text);
    if (found < 0) return -1;
    this.#shift = found - at;
    this.#shiftedFrom = at;
    cursor.at = found;
    return this.#start + found + pattern.text.length;
  }

  #isAt(pattern: KeyPattern, place: number): boolean {
    const start = this.#start + place;
    if (place < 0 || start + pattern.text.length >= this.#end) return false;
    const bytes = this.#bytes;
    return bytes === undefined ? this.#lines.startsWith(pattern.text, start) : pattern.isIn(bytes, start);
  }

  /** Names and numbers mostly differ from the previous ones by a few characters. -1 when the key is not near. */
  #nearby(pattern: KeyPattern, expected: number): number {
    for (let distance = 1; distance <= nearby; distance += 1) {
      if (this.#isAt(pattern, expected - distance)) return expected - distance;
      if (this.#isAt(pattern, expected + distance)) return expected + distance;
    }
    return -1;
  }
}

/** @throws MalformedLine */
function parseRecord(text: string): AuditRecord {
  const value = parsed(text);
  const version = (value as { schema_version?: unknown } | null)?.schema_version;
  if (version === undefined) throw new MalformedLine('no audit record: it has no schema_version');
  if (version === previousVersion) return currentRecord(value as Readonly<Record<string, unknown>>);
  if (version !== schemaVersion) throw new MalformedLine(`schema_version ${JSON.stringify(version)} is not known`);
  return value as AuditRecord;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MalformedLine((error as Error).message);
  }
}

const plainValue = (value: unknown): string | number | undefined =>
  typeof value === 'string' || typeof value === 'number' ? value : undefined;
