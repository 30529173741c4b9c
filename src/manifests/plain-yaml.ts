/**
 * Values of the YAML that manifests are written in: mappings and lists by indentation, values on their line, texts behind
 * `|`. A tree of positions is most of the work of reading, and few documents are ever asked for a position. Whatever else
 * a text holds, and whatever is wrong with it, is left to the YAML reader as a whole: what is read here is read as there,
 * which a test shows with mutated manifests.
 */
import { limits } from './limits.js';
import { PlainLines } from './plain-lines.js';
import { endOfKey, isNewKey, skipSpaces, valueOnLine } from './plain-values.js';

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

/** `undefined` is never a value: it says that something is not plain. */
class PlainReader {
  readonly #lines: PlainLines;

  constructor(text: string) {
    this.#lines = new PlainLines(text);
  }

  documents(): readonly PlainDocument[] | undefined {
    const documents: PlainDocument[] = [];
    const lines = this.#lines;
    while (lines.next < lines.text.length) {
      const start = lines.next;
      lines.advance();
      if (lines.indent < 0) continue;
      const at = lines.from;
      const object = this.#block(0);
      if (object === undefined || lines.indent >= 0) return undefined;
      documents.push({ object, at, start, end: lines.end });
    }
    return documents;
  }

  /** The mapping or list whose first line is being read. */
  #block(depth: number): unknown {
    if (depth > deepest) return undefined;
    return this.#lines.isItem() ? this.#list(depth) : this.#mapping(depth);
  }

  #list(depth: number): unknown {
    const lines = this.#lines;
    const { indent } = lines;
    const items: unknown[] = [];
    while (lines.indent === indent && lines.isItem()) {
      const at = lines.behindDash();
      let item: unknown;
      if (lines.startsBlock(at)) {
        lines.enterItem(at);
        item = this.#block(depth + 1);
      } else item = this.#value(at, { indent, depth, isEntry: false });
      if (item === undefined) return undefined;
      items.push(item);
    }
    return lines.indent > indent ? undefined : items;
  }

  #mapping(depth: number): unknown {
    const lines = this.#lines;
    const { text, indent } = lines;
    const object: Record<string, unknown> = {};
    while (lines.indent === indent) {
      const colon = endOfKey(text, lines.from, lines.to);
      if (colon === undefined) return undefined;
      const key = text.slice(lines.from, colon);
      const value = this.#value(skipSpaces(text, colon + 1, lines.to), { indent, depth, isEntry: true });
      if (value === undefined || !isNewKey(object, key)) return undefined;
      object[key] = value;
    }
    return lines.indent > indent ? undefined : object;
  }

  /** The value after a colon or a dash, on the same line or below it. */
  #value(at: number, { indent, depth, isEntry }: Parent): unknown {
    const lines = this.#lines;
    switch (lines.styleAt(at)) {
      case 'literal':
        return this.#literal(at, indent);
      case 'inline': {
        const found = valueOnLine(lines.text, at, lines.to);
        lines.advance();
        return found?.value;
      }
      case 'below':
        lines.advance();
        return lines.isBelow(indent, isEntry) ? this.#block(depth + 1) : null;
    }
  }

  /** `|` or `|-`, whose text is as far in as its first line. */
  #literal(at: number, parent: number): string | undefined {
    const lines = this.#lines;
    const { text } = lines;
    const header = text.slice(at, lines.to);
    if (header !== '|' && header !== '|-') return undefined;
    const pieces: string[] = [];
    let indent = -1;
    while (lines.next < text.length) {
      const end = lines.endOfLine(lines.next);
      const from = skipSpaces(text, lines.next, end);
      const own = from - lines.next;
      if (from === end) {
        // Blanks beyond the text's column are a part of it.
        if (indent < 0 ? own > 0 : own > indent) return undefined;
        pieces.push('');
      } else if (own > parent && (indent < 0 || own >= indent)) {
        if (indent < 0) indent = own;
        pieces.push(text.slice(lines.next + indent, end));
      } else if (own > parent) return undefined;
      else break;
      lines.next = end + 1;
    }
    while (pieces.at(-1) === '') pieces.pop();
    if (indent < 0) return undefined;
    lines.advance();
    return `${pieces.join('\n')}${header === '|' ? '\n' : ''}`;
  }
}

/** Whose value it is. */
interface Parent {
  readonly indent: number;
  readonly depth: number;
  /** Of a mapping: a list as its value may be in the mapping's own column. */
  readonly isEntry: boolean;
}
