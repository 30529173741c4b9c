/** The lines of plain YAML that have content, one after the other. */
import { endOfKey, isItem, skipSpaces } from './plain-values.js';

const [space, hash, bar] = [0x20, 0x23, 0x7c];
const marker = '---';

export class PlainLines {
  readonly text: string;
  /** Columns before the content of the line that is read; behind the document: -1. */
  indent = -1;
  /** Offsets of the line, and of its content without the blanks at its end. */
  start = 0;
  from = 0;
  to = 0;
  /** Where the next line begins. */
  next: number;
  /** Where the document ends, once it is read. */
  end = 0;

  /** @param start where a line begins */
  constructor(text: string, start = 0) {
    this.text = text;
    this.next = start;
  }

  /** To the next line that is neither empty nor a comment alone. */
  advance(): void {
    const { text } = this;
    while (this.next < text.length) {
      const start = this.next;
      const end = this.endOfLine(start);
      const at = skipSpaces(text, start, end);
      this.start = start;
      this.next = end + 1;
      if (at === start && isMarker(text, start, end)) {
        this.indent = -1;
        this.end = start + marker.length;
        return;
      }
      if (at === end || text.charCodeAt(at) === hash) continue;
      this.indent = at - start;
      this.from = at;
      this.to = end;
      while (text.charCodeAt(this.to - 1) === space) this.to -= 1;
      return;
    }
    this.indent = -1;
    this.start = text.length;
    this.end = text.length;
  }

  endOfLine(start: number): number {
    const end = this.text.indexOf('\n', start);
    return end < 0 ? this.text.length : end;
  }

  isItem(): boolean {
    return isItem(this.text, this.from, this.to);
  }

  /** Where an item's content begins. */
  behindDash(): number {
    return skipSpaces(this.text, this.from + 1, this.to);
  }

  /** Whether a mapping or list begins here, behind the dash of an item. */
  startsBlock(at: number): boolean {
    return isItem(this.text, at, this.to) || endOfKey(this.text, at, this.to) !== undefined;
  }

  /** The text after the dash is read as a line of its own. */
  enterItem(at: number): void {
    this.indent += at - this.from;
    this.from = at;
  }

  /** How the value that begins here, after a colon or a dash, is written. */
  styleAt(at: number): 'inline' | 'literal' | 'below' {
    const code = at < this.to ? this.text.charCodeAt(at) : hash;
    return code === hash ? 'below' : code === bar ? 'literal' : 'inline';
  }

  /** Whether this line begins the value of what stands above it in column `indent`; without one it has none. */
  isBelow(indent: number, isEntry: boolean): boolean {
    // A list may be in the column of its key.
    return this.indent > indent || (isEntry && this.indent === indent && this.isItem());
  }

  /** Another reader of the same lines, which is where this one is. */
  fork(): PlainLines {
    return Object.assign(new PlainLines(this.text), this);
  }
}

/** With nothing behind it but a comment. */
function isMarker(text: string, start: number, end: number): boolean {
  if (!text.startsWith(marker, start)) return false;
  const behind = start + marker.length;
  const at = skipSpaces(text, behind, end);
  return at === end || (at > behind && text.charCodeAt(at) === hash);
}
