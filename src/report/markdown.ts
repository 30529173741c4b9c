/** A line of a table in GitHub's Markdown. */
export const markdownRow = (...cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |\n`;

const escaped = (cell: string): string => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');
