/** Runs the rules, and takes out what somebody has said to leave. */
import { isClusterNetworkPolicy } from '../model/parse.js';
import { visible } from '../model/visible.js';
import { isRule, rules } from './catalogue.js';
import { limitRule, type LintLimits } from './limit-rule.js';
import { rule as unusedSuppression } from './rules/np000-unused-suppression.js';
import { rule as duplicateKey } from './rules/np002-duplicate-yaml-key.js';
import { Suppressions, type UnusedSuppression } from './suppressions.js';
import type { Finding, SourcePosition, Severity } from './finding.js';
import type { LintObject } from './objects.js';
import type { RuleMatch, Rule, LintInput } from './types.js';

interface LintOptions {
  /** By id or name: another severity, or `off`. */
  readonly severities?: Readonly<Record<string, Severity | 'off'>>;
  /** Also find what is over these. */
  readonly limits?: LintLimits;
  /** Called before each rule with the number of rules that have run. */
  readonly onRule?: (done: number) => void;
}

const ranks: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

/** Whether a finding of this severity is at or above the other. */
export const atLeast = (severity: Severity, limit: Severity): boolean => ranks[severity] <= ranks[limit];

/** Everything that the rules find, by file and line. */
export function lint(input: LintInput, { severities = {}, limits, onRule }: LintOptions = {}): readonly Finding[] {
  const suppressions = new Suppressions(input.objects);
  const findings: Finding[] = [];
  const hasRun = new Set<string>();
  const chosenFor = ({ id, name }: Rule): Severity | 'off' | undefined => severities[id] ?? severities[name];
  for (const [index, rule] of [...rules, ...(limits === undefined ? [] : [limitRule(limits)])].entries()) {
    onRule?.(index);
    const chosen = chosenFor(rule);
    if (chosen === 'off' || (rule.scope === 'cluster' && !input.closed)) continue;
    if (rule.scope === 'policies' && !input.closed) continue;
    hasRun.add(rule.id).add(rule.name);
    for (const hit of rule.check(input)) {
      const finding = findingOf(rule, chosen === undefined ? hit : { ...hit, severity: chosen });
      if (!suppressions.covers(hit.object, finding)) findings.push(finding);
    }
  }
  findings.push(...duplicateKeyFindings(input, chosenFor(duplicateKey) ?? duplicateKey.severity));
  const severity = chosenFor(unusedSuppression) ?? unusedSuppression.severity;
  findings.push(...unusedSuppressions(suppressions, hasRun, severity));
  return findings.sort(
    (a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.rule, b.rule),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function findingOf(rule: Rule, hit: RuleMatch): Finding {
  const { object, path, part = 'value', message, fix } = hit;
  const { line, column, endLine, endColumn } = object.document.range(path, part);
  return {
    rule: rule.id,
    name: rule.name,
    severity: hit.severity ?? rule.severity,
    confidence: hit.confidence ?? rule.confidence,
    file: object.document.file,
    line,
    column,
    endLine,
    endColumn,
    pointer: pointerOf(path),
    object: refOf(object),
    message: visible(message),
    why: rule.why,
    ...(fix === undefined ? {} : { fix: { description: fix.description, replacement: fix.replacement } }),
    related: (hit.related ?? []).map((one) => ({ ...placeOf(one.object, one.path), message: visible(one.message) })),
  };
}

/** RFC 6901. */
const pointerOf = (path: RuleMatch['path']): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

const refOf = ({ kind, namespace, name, fields, found }: LintObject): Finding['object'] =>
  found?.kind.clusterScoped === true || isClusterNetworkPolicy(fields) ? { kind, name } : { kind, namespace, name };

const placeOf = ({ document }: LintObject, path: RuleMatch['path']): SourcePosition => {
  const { line, column } = document.range(path, 'value');
  return { file: document.file, line, column };
};

/** A key that appears twice belongs to a file and to no object, so the finding names the file. */
function duplicateKeyFindings(input: LintInput, severity: Severity | 'off'): readonly Finding[] {
  if (severity === 'off') return [];
  const message = 'this key appears twice in one mapping: the last value counts, the others are lost';
  return input.duplicateKeys.map(({ file, line, column }) => {
    const range = { line, column, endLine: line, endColumn: column };
    return { ...findingOfRule(duplicateKey, severity), ...range, file, object: { kind: 'File', name: file }, message };
  });
}

/** A rule that did not run would have found nothing anywhere: whether its suppressions are needed is not known. */
function unusedSuppressions(
  suppressions: Suppressions,
  hasRun: ReadonlySet<string>,
  severity: Severity | 'off',
): readonly Finding[] {
  if (severity === 'off') return [];
  const isOwn = ({ rule }: UnusedSuppression): boolean =>
    rule === unusedSuppression.id || rule === unusedSuppression.name;
  const find = ({ object, rule, place }: UnusedSuppression): readonly Finding[] => {
    const exists = isRule(rule);
    if (exists && !hasRun.has(rule)) return [];
    const why = exists ? 'but finds nothing here' : 'but there is no such rule';
    const finding = {
      ...findingOfRule(unusedSuppression, severity),
      ...place,
      file: object.document.file,
      object: refOf(object),
      message: `${rule} is ignored here, ${why}`,
    };
    return suppressions.covers(object, finding) ? [] : [finding];
  };
  const others = suppressions.unused().filter((one) => !isOwn(one));
  const found = others.flatMap(find);
  return [...found, ...suppressions.unused().filter(isOwn).flatMap(find)];
}

/** What every finding of the rule says that is of no field. */
const findingOfRule = ({ id, name, confidence, why }: Rule, severity: Severity) =>
  ({ rule: id, name, severity, confidence, pointer: '', why, related: [] }) as const;
