import { Command, InvalidArgumentError, Option } from 'commander';
import { atLeast, lint } from '../../lint/engine.js';
import { fixedTexts, unifiedDiff } from '../../lint/fixes.js';
import { isRule, rules } from '../../lint/catalogue.js';
import type { Finding, Findings, Severity } from '../../lint/finding.js';
import type { LintObject } from '../../lint/objects.js';
import { limitRule } from '../../lint/limit-rule.js';
import type { LintInput, Rule } from '../../lint/types.js';
import { standardLimits } from '../../limits/limits.js';
import { standardPolicyMemory } from '../../limits/memory-weights.js';
import { findingsSarif, printFindingsGithub, printFindingsJunit } from '../../report/findings-ci.js';
import { printFindingsCsv, printFindingsMarkdown, printFindingsText } from '../../report/findings.js';
import { formatTable } from '../../report/table.js';
import { withPaths, withWellKnown, withFiles } from './analysis-options.js';
import { exitCode, UsageError } from '../common/exit-codes.js';
import { appendJobSummary } from './job-summary.js';
import { isLive } from './inputs.js';
import { SuggestedOption } from '../common/options.js';
import { limitsOf, policyMemoryOf, withLimitOptions, type LimitFlags } from '../common/limit-options.js';
import { readLintInputs, type LintInputFlags } from './lint-inputs.js';
import { readLintSettings } from '../../lint/settings.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';
import { Progress } from '../common/progress.js';
import { version } from '../common/version.js';
import { writeFile } from 'node:fs/promises';

const formats = ['text', 'json', 'yaml', 'sarif', 'junit', 'github', 'md', 'csv'] as const;
type Format = (typeof formats)[number];

interface LintFlags extends LintInputFlags, LimitFlags {
  readonly limits: boolean;
  readonly failOn: Severity | 'never';
  readonly severity: Severity;
  readonly rule: readonly string[];
  readonly skip: readonly string[];
  readonly allowPartial: boolean;
  readonly config?: string;
  readonly explain?: string | true;
  readonly fix: boolean;
  readonly diff: boolean;
  readonly output?: readonly Output<Format>[];
}

const examples = `
Examples:
  podwall lint manifests/                            every policy below a directory
  helm template . | podwall lint -f -                what a chart renders
  podwall lint -f cluster/ --closed-world            these manifests are everything: also what is missing
  podwall lint -f app/ --closed-world --assume kube-dns,ingress-nginx
                                                     the same for one application, with workloads that its cluster also has
  podwall lint -f manifests/ -o text -o sarif=out.sarif
  podwall lint -f manifests/ --limits --max-policy-cidrs 5000
                                                     what is larger than the agents will take
  podwall lint -f manifests/ --fix --diff            what the mechanical fixes would change
  podwall lint --explain NP203                       why the rule exists, with a bad and a good example
  podwall lint --explain                             all rules

Ignore a finding with a comment on its line or the line above, or with an annotation on the object:
  # podwall-ignore NP305 the shop is public
  podwall.dev/ignore.NP305: the shop is public`;

export const lintCommand = (): Command =>
  withLimitOptions(withWellKnown(withFiles(new Command('lint'))))
    .summary('find mistakes in policies, and mend what is mechanical')
    .description(
      'find mistakes, and what is probably a mistake, in policies; exit 1 for findings at or above --fail-on',
    )
    .addOption(
      new Option('--fail-on <severity>', 'lowest severity that fails')
        .choices(['error', 'warning', 'info', 'never'])
        .default('error'),
    )
    .addOption(
      new Option('--severity <severity>', 'lowest severity that is shown and counted')
        .choices(['error', 'warning', 'info'])
        .default('info'),
    )
    .option('--rule <rules>', 'only these, by id or name, with commas (repeatable)', rulesOption, [])
    .option('--skip <rules>', 'not these (repeatable)', rulesOption, [])
    .option('--closed-world', 'the input is the whole cluster: also report what is missing', false)
    .option('--limits', 'also report what is over the limits of the agents (--max-…, as they have them)', false)
    .option('--config <file>', 'severities and ignored paths (default: .podwall.yaml, if it exists)')
    .addOption(
      new SuggestedOption(
        '--explain [rule]',
        'print one rule, or the list of all rules, and exit',
        rules.map(({ id }) => id),
      ),
    )
    .option('--fix', 'apply the fixes that are mechanical; comments and layout are kept', false)
    .option('--diff', 'with --fix: print what would change, and write nothing', false)
    .argument('[path...]', 'manifests, as -f takes them')
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action(run);

async function run(paths: readonly string[], given: LintFlags): Promise<void> {
  const flags = withPaths(given, paths);
  if (flags.explain !== undefined) {
    process.stdout.write(flags.explain === true ? ruleTable() : ruleDocument(flags.explain));
    return;
  }
  if (flags.diff && !flags.fix) throw new UsageError('--diff shows what --fix would change: give both');
  if (flags.fix && ((flags.kustomize ?? []).length > 0 || isLive(flags)))
    throw new UsageError('--fix writes files: give them by -f');
  const settings = await readLintSettings(flags.config);
  const { input, skipped, unbuilt, unparsed } = await readLintInputs(flags, (file) => settings.ignores(file));
  const progress = new Progress('checking', rules.length);
  const onRule = (done: number): void => progress.step(done);
  const found = lint(input, {
    severities: settings.severities,
    onRule,
    ...(flags.limits ? { limits: { limits: limitsOf(flags), memory: policyMemoryOf(flags) } } : {}),
  });
  progress.end();
  const findings = found.filter((one) => !settings.ignores(one.file) && isChosen(one, flags));
  const left = [...unparsed, ...unbuilt];
  for (const line of [...left, ...skipped]) process.stderr.write(`podwall: ${line}\n`);
  if (flags.fix) await fix(findings, flags.diff);
  else
    await print(
      { kind: 'Findings', schemaVersion: 1, findings: shownOf(findings, flags), skipped, unparsed: left },
      input,
      flags,
    );
  process.exitCode = codeOf(
    findings,
    { objects: input.objects.filter(isAnalysed).length, unparsed: unparsed.length, unbuilt: unbuilt.length },
    flags,
  );
}

async function fix(findings: readonly Finding[], onlyShow: boolean): Promise<void> {
  for (const { file, before, after, bytes, count } of await fixedTexts(findings)) {
    if (onlyShow) process.stdout.write(unifiedDiff(file, before, after));
    else {
      await writeFile(file, bytes);
      process.stdout.write(`${file}: ${count} fixed\n`);
    }
  }
}

async function print(
  document: Findings,
  { policies, workloads, objects }: LintInput,
  { output }: LintFlags,
): Promise<void> {
  const { findings, unparsed } = document;
  const files = new Set(objects.map(({ document: { file } }) => file)).size;
  const reported = { left: unparsed, read: { policies: policies.length, workloads: workloads.length, files } };
  await writeOutputs(output, 'text', (format, paint) => {
    switch (format) {
      case 'text':
        return printFindingsText(findings, { paint, ...reported });
      case 'md':
        return printFindingsMarkdown(findings, reported);
      case 'csv':
        return printFindingsCsv(findings);
      case 'github':
        return printFindingsGithub(findings, reported);
      case 'junit':
        return printFindingsJunit(findings, reported);
      case 'sarif':
        return [documentText(findingsSarif(findings, { rules, version, unparsed }), 'json')];
      default:
        return [documentText(document, format)];
    }
  });
  if (output?.some(({ format }) => format === 'github') === true)
    await appendJobSummary(printFindingsMarkdown(findings, reported));
}

/** By id or name, as `--rule` and `--skip` name them. */
const isChosen = ({ rule, name }: Finding, { rule: only, skip }: LintFlags): boolean => {
  const isNamed = (names: readonly string[]): boolean => names.includes(rule) || names.includes(name);
  return (only.length === 0 || isNamed(only)) && !isNamed(skip);
};

/** Findings below `--severity` are neither shown nor counted; what fails is the business of `--fail-on`. */
const shownOf = (findings: readonly Finding[], { severity }: LintFlags): readonly Finding[] =>
  findings.filter((one) => atLeast(one.severity, severity));

function rulesOption(value: string, before: readonly string[]): readonly string[] {
  const names = value.split(',').map((name) => (/^np\d+$/i.test(name) ? name.toUpperCase() : name));
  const unknown = names.find((name) => !isRule(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no rule ${unknown}; --explain lists them.`);
  return [...before, ...names];
}

/** What a rule may look at: a Secret or an Ingress alone is nothing to analyse. */
const isAnalysed = ({ kind, found }: LintObject): boolean =>
  found === undefined ? kind.includes('NetworkPolicy') : found.as !== 'otherGroup';

function codeOf(
  findings: readonly Finding[],
  { objects, unparsed, unbuilt }: Readonly<Record<'objects' | 'unparsed' | 'unbuilt', number>>,
  { allowPartial, failOn }: LintFlags,
): number {
  if (unparsed > 0 && unbuilt + objects === 0) throw new UsageError('nothing of the input could be read');
  if (unparsed + unbuilt > 0 && !allowPartial) return exitCode.partial;
  if (failOn !== 'never' && findings.some(({ severity }) => atLeast(severity, failOn))) return exitCode.no;
  return objects === 0 ? exitCode.nothing : exitCode.done;
}

const explained: readonly Rule[] = [...rules, limitRule({ limits: standardLimits, memory: standardPolicyMemory })];

const ruleTable = (): string =>
  `${formatTable([
    ['RULE', 'NAME', 'SEVERITY', 'SCOPE', 'FINDS'],
    ...explained.map(({ id, name, severity, scope, summary }) => [id, name, severity, scope, summary]),
  ])}\n`;

function ruleDocument(asked: string): string {
  const rule = explained.find(({ id, name }) => id === asked.toUpperCase() || name === asked);
  if (rule === undefined) throw new UsageError(`there is no rule ${asked}; --explain alone lists them`);
  return documentOf(rule);
}

const indented = (text: string): string => text.replace(/^/gm, '    ');

const documentOf = ({ id, name, severity, scope, confidence, summary, why, bad, good }: Rule): string =>
  `${id} ${name} (${severity}, ${confidence}; needs ${scope})\n\n${summary}\n\n${why}\n\nBad:\n${indented(bad)}\n\nGood:\n${indented(good)}\n`;
