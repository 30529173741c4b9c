import { visible } from '../model/visible.js';

/** A line of a table as RFC 4180 has it. */
export const csvRow = (...cells: readonly string[]): string => `${cells.map(quoted).join(',')}\r\n`;

function quoted(cell: string): string {
  const text = defused(visible(cell));
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A spreadsheet takes what begins like this for a formula, if it is no number; the apostrophe is not shown. */
const defused = (text: string): string => (/^[=+@-]./.test(text) && !/^[+-]?[\d.]+$/.test(text) ? `'${text}` : text);
