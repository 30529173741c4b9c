import { visible } from '../model/visible.js';

/** A line of a table in GitHub's Markdown. */
export const markdownRow = (...cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |\n`;

/** Neither a column, a tag nor a link of the text's own. */
const escaped = (cell: string): string =>
  visible(cell.replaceAll('\n', ' ')).replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('](', ']\\(');
