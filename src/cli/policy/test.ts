import { Command } from 'commander';
import { dirname } from 'node:path';
import { answerText } from '../../report/answers.js';
import { reportTests, testFormats, type TestResult } from '../../report/test-results.js';
import { compiled, conclude, withInputs, type AnalysisFlags } from './analysis-options.js';
import { readAssertions } from '../../cluster/assertion-files.js';
import { exitCode, UsageError } from '../common/exit-codes.js';
import { checkAssertions, type CheckedExpectation } from '../../analysis/expectations.js';
import { isLive, readInputs } from './inputs.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';

const formats = [...testFormats, 'json', 'yaml'] as const;

interface TestFlags extends AnalysisFlags {
  readonly output?: readonly Output<(typeof formats)[number]>[];
}

const examples = `
A document of kind Assertions:
  apiVersion: podwall.dev/v1alpha1
  kind: Assertions
  metadata: { name: shop }
  spec:
    unlisted: denied            # or unchecked, the default: connections of workloads that nothing lists
    expect:
      - { from: web.shop, to: db.shop, port: 5432, allowed: true }       # protocol: TCP, UDP, SCTP or ICMP
    table: |                    # the same, shorter
      internet -> db.shop 5432 denied
      web.shop -> dns.kube-system 53/UDP allowed

Examples:
  podwall test policies-examples/12-three-tiers/expected.yaml
  podwall test -f policies-examples/12-three-tiers
  podwall test expected.yaml -f manifests/ -o text -o junit=results.xml`;

export const testCommand = (): Command =>
  withInputs(new Command('test'))
    .summary('check policies against expected reachability')
    .description(
      'check policies against expected reachability (documents of kind Assertions); exit 1 when an expectation fails',
    )
    .argument(
      '[path...]',
      'files or directories with Assertions (default: those of -f); policies and pods come from -f, else from the directory of each',
    )
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action(async (paths: readonly string[], flags: TestFlags) => {
      const { files, unparsed } = await readAssertions(
        paths.length > 0 ? paths : flags.file.filter((path) => path !== '-'),
      );
      const results: TestResult[] = [];
      const codes: number[] = [];
      const printed = new Set<string>();
      // All files share the input of -f, -k and a live cluster; stdin can be read only once.
      const given =
        [...flags.file, ...(flags.kustomize ?? [])].length > 0 || isLive(flags) ? await readInputs(flags) : undefined;
      const compiledGiven = given && files.length > 0 ? compiled(given, flags) : undefined;
      for (const { file, assertions } of files) {
        const inputs = given ?? (await readInputs({ ...flags, file: [dirname(file)] }));
        if (inputs !== given || codes.length === 0) codes.push(conclude(inputs, flags, false));
        for (const line of inputs.unparsed) printed.add(line);
        results.push(
          ...checkAssertions(compiledGiven ?? compiled(inputs, flags), assertions, flags.namespace).map((one) =>
            resultOf(file, one),
          ),
        );
      }
      for (const line of unparsed) if (!printed.has(line)) process.stderr.write(`podwall: ${line}\n`);
      if (unparsed.length > 0 && files.length === 0) throw new UsageError('no Assertions in what could be read');
      if (unparsed.length > 0 && !flags.allowPartial) codes.push(exitCode.partial);
      await writeOutputs(flags.output, 'text', (format, paint) =>
        format === 'json' || format === 'yaml'
          ? [documentText(asDocument(results), format)]
          : [reportTests(results, format, paint)],
      );
      if (results.length === 0)
        process.stderr.write('podwall: no Assertions found: give a file or a directory that contains some\n');
      const failed = results.some(({ failure }) => failure !== undefined);
      const verdict = failed ? exitCode.no : results.length === 0 ? exitCode.nothing : exitCode.done;
      process.exitCode = codes.includes(exitCode.partial) ? exitCode.partial : verdict;
    });

function resultOf(file: string, { found, ...checked }: CheckedExpectation): TestResult {
  if (found === undefined) return { file, ...checked };
  const { from, to, ...answered } = found;
  return { file, ...checked, answer: answerText({ ...answered, warnings: [] }, { from, to }).trimEnd() };
}

function asDocument(results: readonly TestResult[]): object {
  const failed = results.filter(({ failure }) => failure !== undefined).length;
  return {
    kind: 'TestResults',
    schemaVersion: 1,
    passed: results.length - failed,
    failed,
    results: results.map(({ file, title, place, failure, answer }) => ({
      file,
      title,
      ...(place === undefined ? {} : { place }),
      passed: failure === undefined,
      ...(failure === undefined ? {} : { failure }),
      ...(answer === undefined ? {} : { answer }),
    })),
  };
}
