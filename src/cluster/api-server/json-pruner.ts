/**
 * Leaves out, before it is parsed, what is of no use: most of a pod's JSON is, and parsing it all would be most of the
 * work and nearly all of the garbage of following a large cluster.
 */
import type { FieldTree } from '../../model/parse/field-tree.js';

/** Fields by the length of their names in bytes, since most of those that are not wanted differ in it. */
type Fields = readonly (readonly Field[] | undefined)[];

interface Field {
  readonly name: Buffer;
  /** `"name":`, as it is written again. */
  readonly text: string;
  readonly kept: true | Fields;
}

export class JsonPruner {
  readonly #kept: true | Fields;
  #text: Buffer = Buffer.alloc(0);
  #at = 0;
  #pruned = '';

  constructor(kept: FieldTree) {
    this.#kept = fieldsOf(kept);
  }

  /**
   * The text of the same value without what is not kept. Text that is no JSON is given back as it is, for JSON.parse to
   * say so; what is left out is only looked through for its end.
   */
  prune(text: Buffer): string {
    this.#text = text;
    this.#at = 0;
    this.#pruned = '';
    try {
      this.#blanks();
      this.#value(this.#kept);
      this.#blanks();
      return this.#at === text.length ? this.#pruned : text.toString('utf8');
    } catch (error) {
      if (error instanceof NoJson) return text.toString('utf8');
      throw error;
    } finally {
      this.#pruned = '';
      this.#text = nothing;
    }
  }

  #value(kept: true | Fields): void {
    const first = this.#text[this.#at];
    if (kept !== true && first === openBrace) this.#object(kept);
    else if (kept !== true && first === openBracket) this.#list(kept);
    else {
      const start = this.#at;
      this.#skip();
      this.#pruned += this.#text.toString('utf8', start, this.#at);
    }
  }

  #object(fields: Fields): void {
    this.#pruned += '{';
    let separator = '';
    this.#each(closeBrace, () => {
      const start = this.#at + 1;
      if (this.#text[this.#at] !== quote) throw new NoJson();
      this.#skip();
      const field = this.#fieldAt(fields, start, this.#at - 1);
      this.#blanks();
      this.#expect(colon);
      this.#blanks();
      if (field === undefined) {
        this.#skip();
        return;
      }
      this.#pruned += separator + field.text;
      separator = ',';
      this.#value(field.kept);
    });
    this.#pruned += '}';
  }

  #list(fields: Fields): void {
    this.#pruned += '[';
    let separator = '';
    this.#each(closeBracket, () => {
      this.#pruned += separator;
      separator = ',';
      this.#value(fields);
    });
    this.#pruned += ']';
  }

  /** Reads what stands between brackets, entry by entry. */
  #each(close: number, read: () => void): void {
    this.#at += 1;
    this.#blanks();
    if (this.#text[this.#at] === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      read();
      this.#blanks();
      if (this.#text[this.#at] === close) break;
      this.#expect(comma);
      this.#blanks();
    }
    this.#at += 1;
  }

  #fieldAt(fields: Fields, start: number, end: number): Field | undefined {
    return fields[end - start]?.find(({ name }) => {
      for (let index = 0; index < name.length; index += 1) if (this.#text[start + index] !== name[index]) return false;
      return true;
    });
  }

  #expect(code: number): void {
    if (this.#text[this.#at] !== code) throw new NoJson();
    this.#at += 1;
  }

  #blanks(): void {
    while (isBlank(this.#text[this.#at])) this.#at += 1;
  }

  /** To the end of the value that begins here. */
  #skip(): void {
    const text = this.#text;
    let at = this.#at;
    let depth = 0;
    do {
      const code = text[at];
      if (code === undefined) throw new NoJson();
      if (code === quote) at = endOfString(text, at);
      else if (code === openBrace || code === openBracket) depth += 1;
      else if (code === closeBrace || code === closeBracket) depth -= 1;
      else if (depth === 0) at = endOfWord(text, at);
      at += 1;
    } while (depth > 0);
    if (depth < 0) throw new NoJson();
    this.#at = at;
  }
}

class NoJson extends Error {
  override readonly name = 'NoJson';
}

const nothing = Buffer.alloc(0);
const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

const isBlank = (code: number | undefined): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/** Where the quote is that ends the string beginning at `at`. */
function endOfString(text: Buffer, at: number): number {
  for (let end = at + 1; end < text.length; end += 1) {
    const code = text[end];
    if (code === quote) return end;
    if (code === backslash) end += 1;
  }
  throw new NoJson();
}

/** Where the last letter or digit is of the number, or of true, false or null, beginning at `at`. */
function endOfWord(text: Buffer, at: number): number {
  let end = at;
  for (let code = text[end]; code !== undefined && isOfWord(code); code = text[end]) end += 1;
  if (end === at) throw new NoJson();
  return end - 1;
}

const isOfWord = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) ||
  (code >= 0x61 && code <= 0x7a) ||
  code === 0x2d ||
  code === 0x2b ||
  code === 0x2e ||
  code === 0x45;

function fieldsOf(kept: FieldTree): true | Fields {
  if (kept === true) return true;
  const byLength: Field[][] = [];
  for (const [field, inside] of Object.entries(kept)) {
    const name = Buffer.from(field);
    (byLength[name.length] ??= []).push({ name, text: `${JSON.stringify(field)}:`, kept: fieldsOf(inside) });
  }
  return byLength;
}
