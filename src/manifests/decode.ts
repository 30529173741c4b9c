/** Bytes to text, as kubectl's readers take them: UTF-8, or UTF-16 that says so by its byte order mark. */
import { isUtf8 } from 'node:buffer';
import { linesOf, positionAt, type ManifestError } from './positions.js';

export type Decoded =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: ManifestError };

/** The text without its byte order mark, or where it ceases to be text. */
export function decode(bytes: Uint8Array, file: string): Decoded {
  const refuse = (message: string, before = ''): Decoded => {
    const { line, column } = positionAt(linesOf(before), before.length);
    return { ok: false, error: { file, line, column, message, isDuplicateKey: false } };
  };
  const marked = markOf(bytes);
  if (marked !== undefined) return { ok: true, text: new TextDecoder(marked).decode(bytes) };
  if (isWide(bytes)) return refuse('UTF-16 without a byte order mark: save it as UTF-8');
  const text = new TextDecoder().decode(bytes);
  if (isUtf8(bytes)) return { ok: true, text };
  const wrong = firstDifference(bytes, new TextEncoder().encode(text));
  const byte = (bytes[wrong] ?? 0).toString(16).toUpperCase().padStart(2, '0');
  return refuse(
    `not UTF-8: byte 0x${byte} does not begin a character`,
    new TextDecoder().decode(bytes.subarray(0, wrong)),
  );
}

function markOf(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined;
}

/** The first character of a manifest is ASCII: with a zero beside it, it is two bytes wide. */
function isWide([first = 0, second = 0]: Uint8Array): boolean {
  const [zero, letter] = [Math.min(first, second), Math.max(first, second)];
  return zero === 0 && letter >= 0x20 && letter < 0x7f;
}

/** The decoder wrote U+FFFD for what it did not understand. */
function firstDifference(bytes: Uint8Array, decoded: Uint8Array): number {
  const start = hasMark(bytes) ? 3 : 0;
  let at = start;
  while (at < bytes.length && bytes[at] === decoded[at - start]) at += 1;
  return at;
}

/** Of UTF-8. */
const hasMark = ([first, second, third]: Uint8Array): boolean => first === 0xef && second === 0xbb && third === 0xbf;

/** The text in the encoding of a file as it is, with its byte order mark. */
export function encodeLike(bytes: Uint8Array, text: string): Uint8Array {
  const marked = markOf(bytes);
  if (marked === undefined) return Buffer.from(hasMark(bytes) ? `\uFEFF${text}` : text);
  const wide = Buffer.from(`\uFEFF${text}`, 'utf16le');
  return marked === 'utf-16le' ? wide : wide.swap16();
}
