/** Findings for people: by file, with what to do. The values come as data. */
import { createColors } from 'picocolors';
import { visible } from '../model/visible.js';
import { csvRow } from './csv.js';
import { markdownRow } from './markdown.js';

/** What is printed of a finding. */
export interface PrintedFinding {
  readonly rule: string;
  readonly name: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly object: { readonly kind: string; readonly namespace?: string; readonly name: string };
  readonly message: string;
  readonly why: string;
  readonly fix?: { readonly description: string };
  readonly related: readonly {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly message: string;
  }[];
}

export const objectOf = ({ object }: PrintedFinding): string =>
  `${object.kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}`;

/** `2 errors, 1 warning`; `nothing found`. */
export function countFindings(findings: readonly PrintedFinding[]): string {
  const counts = (['error', 'warning', 'info'] as const).flatMap((severity) => {
    const count = findings.filter((one) => one.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 || severity === 'info' ? '' : 's'}`];
  });
  return counts.length === 0 ? 'nothing found' : counts.join(', ');
}

export function* printFindingsText(
  findings: readonly PrintedFinding[],
  { colours }: { readonly colours: boolean },
): Iterable<string> {
  const paint = createColors(colours);
  const colour = { error: paint.red, warning: paint.yellow, info: paint.cyan };
  for (const finding of findings) {
    const { file, line, column, severity, rule, name, message, fix, related } = finding;
    yield `${visible(file)}:${line}:${column}: ${colour[severity](severity)} ${rule} ${name}: ${objectOf(finding)}\n`;
    yield `    ${message}\n`;
    if (fix !== undefined) yield `    fix: ${fix.description} (--fix)\n`;
    for (const one of related) yield `    ${visible(one.file)}:${one.line}:${one.column}: ${one.message}\n`;
  }
  yield `${findings.length === 0 ? '' : '\n'}${countFindings(findings)}\n`;
}

export function* printFindingsMarkdown(findings: readonly PrintedFinding[]): Iterable<string> {
  yield `**podwall lint: ${countFindings(findings)}**\n`;
  if (findings.length === 0) return;
  yield '\n| Severity | Rule | Where | Object | Finding |\n|---|---|---|---|---|\n';
  for (const one of findings) {
    const where = `${one.file}:${one.line}:${one.column}`;
    yield markdownRow(one.severity, `${one.rule} ${one.name}`, where, objectOf(one), one.message);
  }
}

export function* printFindingsCsv(findings: readonly PrintedFinding[]): Iterable<string> {
  yield csvRow('severity', 'rule', 'name', 'file', 'line', 'column', 'object', 'message');
  for (const one of findings) {
    const cells = [one.severity, one.rule, one.name, one.file, String(one.line), String(one.column), objectOf(one)];
    yield csvRow(...cells, one.message);
  }
}
