/** Findings for people: by file, with what to do. The values come as data. */
import { visible } from '../model/visible.js';
import { csvRow } from './csv.js';
import { markdownRow } from './markdown.js';
import type { Paint } from './paint.js';

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

/** What else a report says of the input. */
export interface ReportedInput {
  /** What was not read and makes the answer partial, one line each. */
  readonly left?: readonly string[];
  readonly read?: { readonly policies: number; readonly workloads: number; readonly files: number };
}

/** `2 errors, 1 warning`; `no findings in 1 policy, 3 workloads, 2 files`. */
export function countFindings(findings: readonly PrintedFinding[], { read }: ReportedInput = {}): string {
  const counts = (['error', 'warning', 'info'] as const).flatMap((severity) => {
    const count = findings.filter((one) => one.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 || severity === 'info' ? '' : 's'}`];
  });
  if (counts.length > 0) return counts.join(', ');
  if (read === undefined) return 'no findings';
  const { policies, workloads, files } = read;
  const policyCount = `${policies} ${policies === 1 ? 'policy' : 'policies'}`;
  return `no findings in ${policyCount}, ${plural(workloads, 'workload')}, ${plural(files, 'file')}`;
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

export function* printFindingsText(
  findings: readonly PrintedFinding[],
  { paint, ...input }: ReportedInput & { readonly paint: Paint },
): Iterable<string> {
  const colour = { error: paint.bad, warning: paint.doubtful, info: paint.note };
  for (const finding of findings) {
    const { file, line, column, severity, rule, name, message, fix, related } = finding;
    yield `${visible(file)}:${line}:${column}: ${colour[severity](severity)} ${rule} ${name}: ${objectOf(finding)}\n`;
    yield `    ${message}\n`;
    if (fix !== undefined) yield `    fix: ${fix.description} (--fix)\n`;
    for (const one of related) yield `    ${visible(one.file)}:${one.line}:${one.column}: ${one.message}\n`;
  }
  yield `${findings.length === 0 ? '' : '\n'}${countFindings(findings, input)}\n`;
}

export function* printFindingsMarkdown(
  findings: readonly PrintedFinding[],
  input: ReportedInput = {},
): Iterable<string> {
  const { left = [] } = input;
  yield `**podwall lint: ${countFindings(findings, input)}**\n`;
  if (findings.length + left.length === 0) return;
  yield '\n| Severity | Rule | Where | Object | Finding |\n|---|---|---|---|---|\n';
  for (const line of left) yield markdownRow('error', 'not read', '', '', line);
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
