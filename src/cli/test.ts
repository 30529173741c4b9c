import { Command, Option } from 'commander';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isAssertions, parseAssertions, type Assertions, type Expectation } from '../analysis/assertions.js';
import { commonFamilies, Judge, type End } from '../analysis/judge.js';
import { hasPort } from '../analysis/port-sets.js';
import { compileWorkloads, reachability } from '../analysis/reachability.js';
import { workloadsOf, type Workload } from '../analysis/workloads.js';
import { InputError } from '../cluster/types.js';
import { readDocuments } from '../manifests/documents.js';
import { formatPath } from '../model/diagnostic.js';
import { reportTests, testFormats, type TestFormat, type TestResult } from '../report/tests.js';
import { endsNamed, portNamed } from './ends.js';
import { exitCode } from './exit-codes.js';
import { readInputs } from './inputs.js';
import { conclude, withInputs, type AnalysisFlags } from './reach.js';

interface TestFlags extends AnalysisFlags {
  readonly output: TestFormat;
}

export const testCommand = (): Command =>
  withInputs(new Command('test'))
    .description('hold policies to expected reachability: documents of kind Assertions; exit 1 when one does not hold')
    .argument(
      '<file...>',
      'files with Assertions; policies and pods come from -f, else from the directory of each file',
    )
    .addOption(new Option('-o, --output <format>', 'format').choices(testFormats).default('text'))
    .addHelpText('after', '\nExample:\n  podwall test policies-examples/12-three-tiers/expected.yaml')
    .action(async (files: readonly string[], flags: TestFlags) => {
      const results: TestResult[] = [];
      let code: number = exitCode.done;
      for (const file of files) {
        const found = await testFile(file, flags);
        results.push(...found.results);
        code ||= found.code;
      }
      process.stdout.write(reportTests(results, flags.output));
      const failed = results.some(({ failure }) => failure !== undefined);
      process.exitCode = code || (failed ? exitCode.no : results.length === 0 ? exitCode.nothing : exitCode.done);
    });

async function testFile(file: string, flags: TestFlags): Promise<{ results: readonly TestResult[]; code: number }> {
  const assertions = await readAssertions(file);
  const inputs = await readInputs({ ...flags, file: flags.file.length > 0 ? flags.file : [dirname(file)] });
  const workloads = workloadsOf(inputs.pods, inputs.policies);
  const options = { ipBlocks: flags.ipBlocks, podCidrs: [...inputs.podCidrs, ...flags.podCidr], self: false };
  const program = compileWorkloads(workloads, inputs);
  const judge = new Judge(program, options);
  const results = assertions.flatMap(({ expect, unlisted }) => [
    ...expect.map((one) => check(judge, workloads, one, flags.namespace)),
    ...(unlisted === 'denied'
      ? checkUnlisted(reachability(workloads, program, options).connections, expect, workloads)
      : []),
  ]);
  return { results: results.map((one) => ({ ...one, file })), code: conclude(inputs, flags, false) };
}

async function readAssertions(file: string): Promise<readonly Assertions[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new InputError(`${file}: ${(error as Error).message}`);
  });
  const { documents, errors } = readDocuments(text, file);
  const [error] = errors;
  if (error !== undefined) throw new InputError(`${file}:${error.line}:${error.column}: ${error.message}`);
  return documents.flatMap((document) => {
    if (!isAssertions(document.object)) return [];
    const parsed = parseAssertions(document.object);
    if ('expect' in parsed) return [parsed];
    const { line, column } = document.position(parsed.path);
    throw new InputError(`${file}:${line}:${column}: ${formatPath(parsed.path)}: ${parsed.message}`);
  });
}

type Checked = Omit<TestResult, 'file'>;

const titleOf = ({ from, to, port, protocol, allowed }: Expectation): string =>
  `${from} -> ${to} ${protocol === 'ICMP' ? protocol : `${protocol} ${port}`} ${allowed ? 'allowed' : 'denied'}`;

/** Every pod and family that the ends stand for must be as expected. */
function check(judge: Judge, workloads: readonly Workload[], one: Expectation, namespace: string | undefined): Checked {
  const title = titleOf(one);
  const wrong = endsNamed(one.from, workloads, namespace).flatMap((from) =>
    endsNamed(one.to, workloads, namespace).flatMap((to) =>
      commonFamilies(from, to).filter((family) => isAllowed(judge, { from, to, family }, one) !== one.allowed),
    ),
  );
  if (wrong.length === 0) return { title };
  return { title, failure: `it is ${one.allowed ? 'denied' : 'allowed'} over ${[...new Set(wrong)].join(' and ')}` };
}

function isAllowed(
  judge: Judge,
  { from, to, family }: { from: End; to: End; family: ReturnType<typeof commonFamilies>[number] },
  { port, protocol }: Expectation,
): boolean {
  if (protocol === 'ICMP') return judge.allowsWithoutPorts(from, to, family);
  const asked = portNamed(`${port}/${protocol}`, to);
  return hasPort(judge.allowed(from, to, family).ports, asked.protocol, asked.number);
}

/** Connections of workloads that no expectation names. */
function checkUnlisted(
  connections: ReturnType<typeof reachability>['connections'],
  expect: readonly Expectation[],
  workloads: readonly Workload[],
): Checked[] {
  const ids = new Set(workloads.map(({ id }) => id));
  const idOf = (text: string): string =>
    endsNamed(text, workloads, undefined).map((end) => (end.kind === 'workload' ? end.workload.id : end.address))[0] ??
    text;
  const listed = new Set(expect.filter(({ allowed }) => allowed).map(({ from, to }) => `${idOf(from)} ${idOf(to)}`));
  return connections
    .filter(({ from, to }) => ids.has(from) && ids.has(to) && !listed.has(`${from} ${to}`))
    .map(({ from, to }) => ({
      title: `${from} -> ${to} denied, as nothing lists it`,
      failure: 'something is allowed',
    }));
}
