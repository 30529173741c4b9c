/**
 * Values of the YAML that manifests are written in: mappings and lists by indentation, values on their line, texts behind
 * `|`. A tree of positions takes a twentieth of a second for a hundred such documents, and few are ever asked for a
 * position. Whatever else a text holds, and whatever is wrong with it, is left to the YAML reader as a whole: what is
 * read here is read as there, which a test shows with mutated manifests.
 */
import { limits } from './limits.js';
import { endOfKey, isItem, skipSpaces, valueOnLine } from './plain-values.js';

export interface PlainDocument {
  readonly object: unknown;
  /** Offset of its first key or item. */
  readonly at: number;
  /** Offsets of the document's part of the text: from behind the marker before it to behind the one that ends it. */
  readonly start: number;
  readonly end: number;
}

/** The documents that are not empty; undefined: it takes the YAML reader. */
export function readPlainYaml(text: string): readonly PlainDocument[] | undefined {
  const isPlain = text.length <= limits.yamlCharacters && !/[\t\r\x7f-\x9f\u2028\u2029\uFEFF]/.test(text);
  return isPlain ? new PlainReader(text).documents() : undefined;
}

const deepest = 60;
const [space, hash, bar] = [0x20, 0x23, 0x7c];

/** `undefined` is never a value: it says that something is not plain. */
class PlainReader {
  readonly #text: string;
  /** The line that is read: columns before its content, and offsets of the content. Behind the document: -1. */
  #indent = -1;
  #from = 0;
  #to = 0;
  /** Where the next line begins. */
  #next = 0;
  /** Where the document ends, once it is read. */
  #end = 0;

  constructor(text: string) {
    this.#text = text;
  }

  documents(): readonly PlainDocument[] | undefined {
    const documents: PlainDocument[] = [];
    while (this.#next < this.#text.length) {
      const start = this.#next;
      this.#advance();
      if (this.#indent < 0) continue;
      const at = this.#from;
      const object = this.#block(0);
      if (object === undefined || this.#indent >= 0) return undefined;
      documents.push({ object, at, start, end: this.#end });
    }
    return documents;
  }

  /** To the next line that says something. */
  #advance(): void {
    const text = this.#text;
    while (this.#next < text.length) {
      const start = this.#next;
      const end = this.#endOfLine(start);
      const at = skipSpaces(text, start, end);
      this.#next = end + 1;
      if (at === start && isMarker(text, start, end)) {
        this.#indent = -1;
        this.#end = start + marker.length;
        return;
      }
      if (at === end || text.charCodeAt(at) === hash) continue;
      this.#indent = at - start;
      this.#from = at;
      this.#to = end;
      while (text.charCodeAt(this.#to - 1) === space) this.#to -= 1;
      return;
    }
    this.#indent = -1;
    this.#end = text.length;
  }

  #endOfLine(start: number): number {
    const end = this.#text.indexOf('\n', start);
    return end < 0 ? this.#text.length : end;
  }

  #isItem(): boolean {
    return isItem(this.#text, this.#from, this.#to);
  }

  /** The mapping or list whose first line is being read. */
  #block(depth: number): unknown {
    if (depth > deepest) return undefined;
    return this.#isItem() ? this.#list(depth) : this.#mapping(depth);
  }

  #list(depth: number): unknown {
    const indent = this.#indent;
    const items: unknown[] = [];
    while (this.#indent === indent && this.#isItem()) {
      const at = skipSpaces(this.#text, this.#from + 1, this.#to);
      const item = this.#startsBlock(at)
        ? this.#compact(at, depth)
        : this.#value(at, { indent, depth, isEntry: false });
      if (item === undefined) return undefined;
      items.push(item);
    }
    return this.#indent > indent ? undefined : items;
  }

  #startsBlock(at: number): boolean {
    return isItem(this.#text, at, this.#to) || endOfKey(this.#text, at, this.#to) !== undefined;
  }

  /** A mapping or list that begins behind the dash of an item. */
  #compact(at: number, depth: number): unknown {
    this.#indent += at - this.#from;
    this.#from = at;
    return this.#block(depth + 1);
  }

  #mapping(depth: number): unknown {
    const indent = this.#indent;
    const object: Record<string, unknown> = {};
    while (this.#indent === indent) {
      const colon = endOfKey(this.#text, this.#from, this.#to);
      if (colon === undefined) return undefined;
      const key = this.#text.slice(this.#from, colon);
      const at = skipSpaces(this.#text, colon + 1, this.#to);
      const value = this.#value(at, { indent, depth, isEntry: true });
      if (value === undefined || Object.hasOwn(object, key)) return undefined;
      object[key] = value;
    }
    return this.#indent > indent ? undefined : object;
  }

  /** What stands behind a colon or a dash, on the line or below it. */
  #value(at: number, { indent, depth, isEntry }: Parent): unknown {
    const code = at < this.#to ? this.#text.charCodeAt(at) : hash;
    if (code === bar) return this.#literal(at, indent);
    if (code !== hash) {
      const found = valueOnLine(this.#text, at, this.#to);
      this.#advance();
      return found?.value;
    }
    this.#advance();
    const isBelow = this.#indent > indent || (isEntry && this.#indent === indent && this.#isItem());
    return isBelow ? this.#block(depth + 1) : null;
  }

  /** `|` or `|-`, whose text is as far in as its first line. */
  #literal(at: number, parent: number): string | undefined {
    const text = this.#text;
    const header = text.slice(at, this.#to);
    if (header !== '|' && header !== '|-') return undefined;
    const lines: string[] = [];
    let indent = -1;
    while (this.#next < text.length) {
      const end = this.#endOfLine(this.#next);
      const from = skipSpaces(text, this.#next, end);
      const own = from - this.#next;
      if (from === end) {
        // Blanks beyond the text's column are a part of it.
        if (indent < 0 ? own > 0 : own > indent) return undefined;
        lines.push('');
      } else if (own > parent && (indent < 0 || own >= indent)) {
        if (indent < 0) indent = own;
        lines.push(text.slice(this.#next + indent, end));
      } else if (own > parent) return undefined;
      else break;
      this.#next = end + 1;
    }
    while (lines.at(-1) === '') lines.pop();
    if (indent < 0) return undefined;
    this.#advance();
    return `${lines.join('\n')}${header === '|' ? '\n' : ''}`;
  }
}

/** Whose value it is. */
interface Parent {
  readonly indent: number;
  readonly depth: number;
  /** Of a mapping: a list as its value may stand in the mapping's own column. */
  readonly isEntry: boolean;
}

const marker = '---';

/** With nothing behind it but a comment. */
function isMarker(text: string, start: number, end: number): boolean {
  if (!text.startsWith(marker, start)) return false;
  const behind = start + marker.length;
  const at = skipSpaces(text, behind, end);
  return at === end || (at > behind && text.charCodeAt(at) === hash);
}
