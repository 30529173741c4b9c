/** Places in a text. */
import { LineCounter } from 'yaml';

/** 1-based. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A piece of the text: from its first character to behind its last one. */
export interface Range extends Position {
  readonly endLine: number;
  readonly endColumn: number;
  /** Offsets in the text, for edits. */
  readonly start: number;
  readonly end: number;
}

export type Path = readonly (string | number)[];

/** What keeps a text, or a part of it, from being read. */
export interface ManifestError extends Position {
  readonly file: string;
  readonly message: string;
  /** A key appears twice in one mapping. */
  readonly isDuplicateKey: boolean;
}

export function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return lines;
}

export function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

export function rangeAt(lines: LineCounter, start: number, end: number): Range {
  const { line: endLine, column: endColumn } = positionAt(lines, end);
  return { ...positionAt(lines, start), endLine, endColumn, start, end };
}
