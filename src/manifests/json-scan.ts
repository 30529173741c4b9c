import { limits } from './limits.js';

export interface JsonScan {
  /** Where the items of a List begin, as offsets into the text. */
  readonly items: readonly number[];
  /** Offsets of keys that repeat a key of the same object. */
  readonly duplicateKeys: readonly number[];
  /** Where more is nested than any manifest needs. */
  readonly tooDeepAt?: number;
}

interface Level {
  readonly isObject: boolean;
  readonly keys: Set<string>;
  /** Of the entry that is being read. */
  key: string;
}

/**
 * What JSON.parse does not report about a text. A tree with every position would be a hundred times the
 * text.
 */
export function scanJson(text: string, start = 0, behind = text.length): JsonScan {
  const items: number[] = [];
  const duplicateKeys: number[] = [];
  const levels: Level[] = [];
  let expectsItem = false;
  let expectsKey = false;
  for (let at = start; at < behind; at += 1) {
    const code = text.charCodeAt(at);
    // Blanks begin nothing.
    if (code <= 0x20) continue;
    if (expectsItem && code !== closeBracket) items.push(at);
    expectsItem = false;
    const level = levels.at(-1);
    if (code === quote) {
      const end = endOfString(text, at);
      if (expectsKey && level !== undefined) {
        level.key = keyIn(text, at, end);
        if (level.keys.has(level.key)) duplicateKeys.push(at);
        level.keys.add(level.key);
      }
      expectsKey = false;
      at = end;
    } else if (code === openBrace || code === openBracket) {
      if (levels.length === limits.depth) return { items, duplicateKeys, tooDeepAt: at };
      levels.push({ isObject: code === openBrace, keys: new Set(), key: '' });
      expectsKey = code === openBrace;
      expectsItem = isItems(levels);
    } else if (code === closeBrace || code === closeBracket) {
      levels.pop();
      expectsKey = false;
    } else if (code === comma) {
      expectsKey = level?.isObject === true;
      expectsItem = isItems(levels);
    }
  }
  return { items, duplicateKeys };
}

export const quote = 0x22;
const [backslash, comma] = [0x5c, 0x2c];
export const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

const isItems = ([root, list, ...deeper]: readonly Level[]): boolean =>
  deeper.length === 0 && list?.isObject === false && root?.isObject === true && root.key === 'items';

function keyIn(text: string, start: number, end: number): string {
  const raw = text.slice(start, end + 1);
  return raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1);
}

/** Offset of the quote that ends the string beginning at `start`. */
export function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    const code = text.charCodeAt(at);
    if (code === backslash) at += 1;
    else if (code === quote || at >= text.length) return at;
  }
}
