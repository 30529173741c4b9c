/** A table of rows in the formats that tables have. */
import { csvRow } from './csv.js';
import { markdownRow } from './markdown.js';
import { formatTable } from './table.js';

type RowFormat = 'text' | 'csv' | 'md';

/** @param head in lower case; text has it in upper case */
export function printRows(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  format: RowFormat,
): Iterable<string> {
  if (format === 'csv') return [head, ...rows].map((row) => csvRow(...row));
  if (format === 'md') return [head, head.map(() => '---'), ...rows].map((row) => markdownRow(...row));
  return [`${formatTable([head.map((name) => name.toUpperCase()), ...rows])}\n`];
}
