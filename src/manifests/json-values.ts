/** JSON objects and lists that follow one another, as `kubectl get -o json` twice and NDJSON write them. */
import { closeBrace, closeBracket, endOfString, openBrace, openBracket, quote } from './json-scan.js';

export interface JsonValue {
  readonly object: unknown;
  /** Offsets of its first character, and behind its last one. */
  readonly start: number;
  readonly end: number;
}

/** Undefined: the text, or a part of it, is no JSON. Flow-style YAML may begin like JSON; its reader says what is wrong. */
export function jsonValues(text: string): readonly JsonValue[] | undefined {
  const start = text.search(/\S/);
  const whole = parsed(text);
  if (whole !== undefined) return [{ object: whole, start, end: text.length }];
  const values: JsonValue[] = [];
  for (let at = start; at >= 0 && at < text.length;) {
    const end = endOfValue(text, at);
    const object = end === undefined ? undefined : parsed(text.slice(at, end));
    if (end === undefined || object === undefined) return undefined;
    values.push({ object, start: at, end });
    const next = text.slice(end).search(/\S/);
    at = next < 0 ? text.length : end + next;
  }
  return values;
}

/** Behind the bracket that closes the one at `start`. */
function endOfValue(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === openBrace || code === openBracket) depth += 1;
    else if (code === closeBrace || code === closeBracket) depth -= 1;
    if (depth === 0) return at + 1;
  }
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
