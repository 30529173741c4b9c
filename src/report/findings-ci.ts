/** Findings for machines that watch repositories: GitHub's annotations, JUnit, SARIF. */
import { countFindings, objectOf, type PrintedFinding, type ReportedInput } from './findings.js';
import { visible } from '../model/visible.js';
import { escapeXml } from './test-results.js';

/** GitHub shows ten annotations of a severity for a step, and fifty for a job: more would push out those of other steps. */
const annotationsShown = 10;
const severities = ['error', 'warning', 'info'] as const;
const commands = { error: 'error', warning: 'warning', info: 'notice' } as const;

/** Workflow commands, the worst first, and how many were left out; data and properties are escaped as the runner reads them. */
export function* printFindingsGithub(
  findings: readonly PrintedFinding[],
  { left: unread = [] }: ReportedInput = {},
): Iterable<string> {
  const data = (text: string): string =>
    visible(text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A'));
  const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  for (const line of unread.slice(0, annotationsShown)) yield `::error title=not read::${data(line)}\n`;
  const left: PrintedFinding[] = [];
  for (const severity of severities) {
    const own = findings.filter((one) => one.severity === severity);
    left.push(...own.slice(annotationsShown));
    for (const { file, line, endLine, column, rule, name, message } of own.slice(0, annotationsShown)) {
      const at = `file=${property(file)},line=${line},endLine=${endLine},col=${column},title=${property(`${rule} ${name}`)}`;
      yield `::${commands[severity]} ${at}::${data(message)}\n`;
    }
  }
  if (left.length > 0)
    yield `podwall lint: ${countFindings(left)} without an annotation: GitHub shows ${annotationsShown} of each for a step\n`;
}

/** One test case an object that was found at fault, and one for all when nothing was. */
export function* printFindingsJunit(
  findings: readonly PrintedFinding[],
  { left = [] }: ReportedInput = {},
): Iterable<string> {
  const failing = findings.filter(({ severity }) => severity !== 'info');
  yield '<?xml version="1.0" encoding="UTF-8"?>\n';
  const failures = failing.length + left.length;
  const tests = Math.max(failures, 1);
  yield `<testsuites><testsuite name="podwall lint" tests="${tests}" failures="${failures}">\n`;
  for (const line of left)
    yield `  <testcase name="not read" classname="podwall.lint"><failure type="error" message="${escapeXml(line)}"/></testcase>\n`;
  if (failures === 0) yield '  <testcase name="no error and no warning" classname="podwall.lint"/>\n';
  for (const one of failing) {
    const where = `${one.file}:${one.line}:${one.column}`;
    yield `  <testcase name="${escapeXml(`${one.rule} ${one.name} ${where}`)}" classname="${escapeXml(objectOf(one))}">`;
    yield `<failure type="${one.severity}" message="${escapeXml(one.message)}">${escapeXml(`${where}: ${one.message}\n${one.why}`)}</failure></testcase>\n`;
  }
  yield '</testsuite></testsuites>\n';
}

interface SarifRule {
  readonly id: string;
  readonly name: string;
  readonly summary: string;
  readonly why: string;
  readonly severity: 'error' | 'warning' | 'info';
}

const levels = { error: 'error', warning: 'warning', info: 'note' } as const;

interface SarifContext {
  readonly rules: readonly SarifRule[];
  readonly version: string;
  /** What could not be read, one line each. */
  readonly unparsed: readonly string[];
}

/** SARIF 2.1.0, as code scanning takes it. */
export function findingsSarif(findings: readonly PrintedFinding[], { rules, version, unparsed }: SarifContext): object {
  const listed = new Set(rules.map(({ id }) => id));
  // Findings of the engine itself belong to no rule of the catalogue.
  const own = new Map(findings.filter(({ rule }) => !listed.has(rule)).map((one) => [one.rule, one]));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'podwall',
            version,
            rules: [
              ...rules.map(({ id, name, summary, why, severity }) => ({
                id,
                name,
                shortDescription: { text: summary },
                fullDescription: { text: why },
                defaultConfiguration: { level: levels[severity] },
              })),
              ...[...own.values()].map(({ rule, name, why }) => ({ id: rule, name, shortDescription: { text: why } })),
            ],
          },
        },
        invocations: [
          {
            executionSuccessful: unparsed.length === 0,
            toolExecutionNotifications: unparsed.map((text) => ({ level: 'error', message: { text } })),
          },
        ],
        columnKind: 'utf16CodeUnits',
        results: findings.map(sarifResult),
      },
    ],
  };
}

const sarifResult = (one: PrintedFinding): object => ({
  ruleId: one.rule,
  level: levels[one.severity],
  message: { text: one.message },
  locations: [sarifLocation(one)],
  ...(one.related.length === 0
    ? {}
    : {
        relatedLocations: one.related.map((related) => ({
          ...sarifLocation(related),
          message: { text: related.message },
        })),
      }),
});

type Region = Pick<PrintedFinding, 'file' | 'line' | 'column'> & Partial<Pick<PrintedFinding, 'endLine' | 'endColumn'>>;

/** The end of a region is behind its last character, here as there. An object of a live cluster has no region. */
const sarifLocation = ({ file, line, column, endLine, endColumn }: Region): object => ({
  physicalLocation: {
    artifactLocation: { uri: uriOf(file) },
    ...(line === 0 ? {} : { region: { startLine: line, startColumn: column, endLine, endColumn } }),
  },
});

/** Relative to the repository, as code scanning wants it, where the path is relative. */
function uriOf(file: string): string {
  const path = file.replaceAll('\\', '/').replace(/^(\.\/)+/, '');
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${encoded}` : encoded;
}
