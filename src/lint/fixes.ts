/** Applies fixes to texts: only the value's own characters change, so comments and layout stay. */
import { readFile } from 'node:fs/promises';
import { decode, encodeLike } from '../manifests/decode.js';
import type { Finding } from './finding.js';

interface FixedText {
  readonly file: string;
  readonly before: string;
  readonly after: string;
  /** What to write: `after` in the file's own encoding. */
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** The files whose findings have a fix, as they would be; findings of what is no file are left. */
export async function fixedTexts(findings: readonly Finding[]): Promise<readonly FixedText[]> {
  const fixable = findings.filter(({ fix, file }) => fix !== undefined && file !== '<stdin>');
  const files = [...new Set(fixable.map(({ file }) => file))];
  const fixed = await Promise.all(
    files.map(async (file): Promise<readonly FixedText[]> => {
      const old = await readFile(file);
      const read = decode(old, file);
      // It was read a moment ago: somebody else has written it since.
      if (!read.ok) return [];
      const own = fixable.filter((one) => one.file === file);
      const after = applied(read.text, own);
      return [{ file, before: read.text, after, bytes: encodeLike(old, after), count: own.length }];
    }),
  );
  return fixed.flat();
}

/** From the end, so that places before stay where they are. */
function applied(text: string, findings: readonly Finding[]): string {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const offset = (line: number, column: number): number => (starts[line - 1] ?? 0) + column - 1;
  let fixed = text;
  const last = [...findings].sort((a, b) => b.line - a.line || b.column - a.column);
  for (const { line, column, endLine, endColumn, fix } of last) {
    const [start, end] = [offset(line, column), offset(endLine, endColumn)];
    fixed = fixed.slice(0, start) + quotedAlike(fixed.slice(start, end), fix?.replacement ?? '') + fixed.slice(end);
  }
  return fixed;
}

/** Quotes stay where they were, but for a number, whose quotes are what is wrong. */
function quotedAlike(old: string, replacement: string): string {
  const quote = /^["']/.exec(old)?.[0] ?? '';
  const plain = quote === '' || /^\d+$/.test(replacement);
  const needsQuotes = replacement.startsWith(':');
  return plain && !needsQuotes ? replacement : `${quote || '"'}${replacement}${quote || '"'}`;
}

/** The changed lines alone; fixes never add or remove lines. */
export function unifiedDiff(file: string, before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const hunks = old.flatMap((line, index) => {
    const next = now[index] ?? '';
    return line === next ? [] : [`@@ -${index + 1} +${index + 1} @@\n-${line}\n+${next}\n`];
  });
  return `--- ${file}\n+++ ${file}\n${hunks.join('')}`;
}
