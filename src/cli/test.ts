import { Command } from 'commander';
import { dirname } from 'node:path';
import type { Expectation } from '../analysis/assertions.js';
import { commonFamilies } from '../analysis/ends.js';
import { Judge } from '../analysis/judge.js';
import { allPorts, hasPort, noPorts } from '../analysis/port-sets.js';
import { verdicts, type Question } from '../analysis/questions.js';
import { Reach } from '../analysis/reachability.js';
import { formatPorts } from '../model/reachability.js';
import { reportTests, testFormats, type TestResult } from '../report/tests.js';
import { conclude, withInputs, worldOf, type AnalysisFlags, type World } from './analysis-options.js';
import { InputError } from '../cluster/types.js';
import { readAssertions, type PlacedAssertions } from './assertion-files.js';
import { questions } from './can.js';
import { EndNames } from './end-names.js';
import { exitCode, UsageError } from './exit-codes.js';
import { readInputs } from './inputs.js';
import { documentText, outputOption, writeOutputs, type Output } from './outputs.js';

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
    .description('hold policies to expected reachability: documents of kind Assertions; exit 1 when one does not hold')
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
      const told = new Set<string>();
      for (const { file, assertions } of files) {
        const given =
          [...flags.file, ...(flags.kustomize ?? [])].length > 0 ||
          flags.kubeconfig !== undefined ||
          flags.context !== undefined;
        const inputs = await readInputs(given ? flags : { ...flags, file: [dirname(file)] });
        codes.push(conclude(inputs, flags, false));
        for (const line of inputs.unparsed) told.add(line);
        results.push(...check(worldOf(inputs, flags), assertions, flags.namespace).map((one) => ({ ...one, file })));
      }
      for (const line of unparsed) if (!told.has(line)) process.stderr.write(`podwall: ${line}\n`);
      if (unparsed.length > 0 && files.length === 0) throw new UsageError('no Assertions in what could be read');
      if (unparsed.length > 0 && !flags.allowPartial) codes.push(exitCode.partial);
      await writeOutputs(flags.output, 'text', (format) =>
        format === 'json' || format === 'yaml'
          ? [documentText(asDocument(results), format)]
          : [reportTests(results, format)],
      );
      if (results.length === 0)
        process.stderr.write('podwall: no Assertions found: give a file or a directory that has some\n');
      const failed = results.some(({ failure }) => failure !== undefined);
      const verdict = failed ? exitCode.no : results.length === 0 ? exitCode.nothing : exitCode.done;
      process.exitCode = codes.includes(exitCode.partial) ? exitCode.partial : verdict;
    });

function asDocument(results: readonly TestResult[]): object {
  const failed = results.filter(({ failure }) => failure !== undefined).length;
  return {
    kind: 'TestResults',
    schemaVersion: 1,
    passed: results.length - failed,
    failed,
    results: results.map(({ file, title, failure }) => ({
      file,
      title,
      passed: failure === undefined,
      ...(failure === undefined ? {} : { failure }),
    })),
  };
}

type Checked = Omit<TestResult, 'file'>;

function check(
  world: World,
  assertions: readonly PlacedAssertions[],
  namespace: string | undefined,
): readonly Checked[] {
  const judge = new Judge(world.program, world.blocks);
  const names = new EndNames(world.inputs, world.workloads, world.program, namespace);
  return assertions.flatMap(({ expect, unlisted, place }) => [
    ...expect.map((one) => {
      try {
        return checkOne(judge, names, one);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        throw new InputError(`${place(one.path)}: ${titleOf(one)}: ${error.message}`);
      }
    }),
    ...(unlisted === 'denied' ? checkUnlisted(world, names, expect) : []),
  ]);
}

const titleOf = ({ from, to, port, protocol, allowed }: Expectation): string =>
  `${from} -> ${to} ${[protocol, ...(port === undefined ? [] : [port])].join(' ')} ${allowed ? 'allowed' : 'denied'}`;

/** In every family that the ends have in common it must be as expected. */
function checkOne(judge: Judge, names: EndNames, one: Expectation): Checked {
  const title = titleOf(one);
  const wrong = answers(judge, names, one).filter(({ allowed }) => allowed !== one.allowed);
  if (wrong.length === 0) return { title };
  const over = wrong.flatMap(({ family }) => family ?? []);
  const where = over.length === 0 ? '' : ` over ${over.join(' and ')}`;
  return { title, failure: `it is ${one.allowed ? 'denied' : 'allowed'}${where}` };
}

function answers(judge: Judge, names: EndNames, { from, to, port, protocol }: Expectation) {
  const [source, destination] = [names.named(from), names.named(to)];
  if (protocol === 'ICMP')
    return questions(names, source, { ...destination, isLoose: false }, undefined).flatMap((pair) =>
      commonFamilies(pair.from, pair.to).map((family) => ({
        family,
        allowed: judge.allowsWithoutPorts(pair.from, pair.to, family),
      })),
    );
  const asked = questions(names, source, destination, port === undefined ? undefined : `${port}/${protocol}`);
  const isLoose = source.isLoose === true || destination.isLoose === true;
  const allows = (question: Question, ports: Parameters<typeof hasPort>[0]): boolean =>
    question.port !== undefined && hasPort(ports, question.port.protocol, question.port.number);
  // Pods that have the named port under different numbers are asked by their own.
  const byPort = new Map(asked.map((question) => [JSON.stringify(question.port), question]));
  const found = [...byPort.values()].flatMap((question) =>
    verdicts(
      judge,
      asked.filter(({ port: number }) => JSON.stringify(number) === JSON.stringify(question.port)),
      isLoose,
    ).map(({ family, allowance }) => ({ family, allowed: allows(question, allowance.ports) })),
  );
  const families = [...new Set(found.map(({ family }) => family))];
  return families.map((family) => ({
    family,
    allowed: found.some((one) => one.family === family && one.allowed),
  }));
}

/** Connections of workloads that no expectation names. */
function checkUnlisted(
  { workloads, program, blocks }: World,
  names: EndNames,
  expect: readonly Expectation[],
): Checked[] {
  const idsOf = (text: string): readonly string[] =>
    names.named(text).ends.flatMap((end) => (end.kind === 'workload' ? [end.workload.id] : []));
  const listed = new Set(
    expect
      .filter(({ allowed }) => allowed)
      .flatMap(({ from, to }) => idsOf(from).flatMap((one) => idsOf(to).map((other) => `${one} ${other}`))),
  );
  const { connections } = new Reach(workloads, program, {
    ...blocks,
    self: false,
    from: ({ workload }) => (workload === undefined ? noPorts : allPorts),
    to: ({ workload }) => (workload === undefined ? noPorts : allPorts),
  });
  return [...connections]
    .filter(({ from, to }) => !listed.has(`${from} ${to}`))
    .map(({ from, to, allowed }) => ({
      title: `${from} -> ${to} denied, as nothing lists it`,
      failure: `${formatPorts(allowed)} is allowed`,
    }));
}
