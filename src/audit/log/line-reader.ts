import { schemaVersion, type AuditRecord } from '../record.js';

/** What filters and groups ask of a record. */
export interface RecordFields {
  /** The value of a key of the line; lists and objects are left to {@link record}. */
  get(key: string): string | number | undefined;
  record(): AuditRecord;
}

/** A line that is no record; its message says why. */
export class MalformedLine extends Error {
  override readonly name = 'MalformedLine';
}

const prefix = `{"schema_version":${schemaVersion},`;
const quote = 0x22;

/** Where a key stood in the line before. */
interface Cursor {
  readonly pattern: string;
  at: number;
}

/**
 * One line after another. Reading a million records whole takes longer than anybody waits, so that a line as our writer
 * writes it (no spaces, no escapes) is searched for the keys that are asked for: in flat JSON without escapes
 * `"key":` stands nowhere else. Every other line is parsed.
 */
export class LineReader implements RecordFields {
  readonly #cursors = new Map<string, Cursor>();
  #text = '';
  #parsed: AuditRecord | undefined;
  /** How far keys stand from where they stood before. */
  #shift = 0;

  get text(): string {
    return this.#text;
  }

  /** @throws MalformedLine, as the other methods do for a line that only looked like a record */
  take(text: string): this {
    this.#text = text;
    this.#parsed = undefined;
    this.#shift = 0;
    if (!isPlain(text)) this.#parsed = parseRecord(text);
    return this;
  }

  get(key: string): string | number | undefined {
    if (this.#parsed !== undefined) return plainValue(this.#parsed[key as keyof AuditRecord]);
    const start = this.#find(key);
    if (start < 0) return undefined;
    const text = this.#text;
    const code = text.charCodeAt(start);
    if (code === quote) return text.slice(start + 1, text.indexOf('"', start + 1));
    let value = 0;
    let at = start;
    for (let digit = code - 48; digit >= 0 && digit <= 9; digit = text.charCodeAt((at += 1)) - 48)
      value = value * 10 + digit;
    return at > start ? value : plainValue(this.record()[key as keyof AuditRecord]);
  }

  record(): AuditRecord {
    this.#parsed ??= parseRecord(this.#text);
    return this.#parsed;
  }

  /** Where the key's value begins; -1 when it is not there. */
  #find(key: string): number {
    let cursor = this.#cursors.get(key);
    if (cursor === undefined) this.#cursors.set(key, (cursor = { pattern: `"${key}":`, at: 0 }));
    const { pattern, at } = cursor;
    // Before the first value of varying length it stands where it stood, and from there on it moves with the others.
    if (this.#text.startsWith(pattern, at)) return at + pattern.length;
    if (this.#shift !== 0 && this.#text.startsWith(pattern, at + this.#shift)) {
      cursor.at = at + this.#shift;
      return cursor.at + pattern.length;
    }
    const found = this.#text.indexOf(pattern);
    if (found < 0) return -1;
    this.#shift = found - at;
    cursor.at = found;
    return found + pattern.length;
  }
}

/** One whole record: a line that was cut and gone on with has a second beginning. */
const isPlain = (text: string): boolean =>
  text.startsWith(prefix) && text.endsWith('}') && !text.includes('\\') && !text.includes('{"schema_version"', 1);

/** @throws MalformedLine */
function parseRecord(text: string): AuditRecord {
  const value = parsed(text);
  const version = (value as { schema_version?: unknown } | null)?.schema_version;
  if (version === undefined) throw new MalformedLine('no audit record: it has no schema_version');
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
