import { Command } from 'commander';
import { Evaluator } from '../../evaluation/evaluator.js';
import { answersFor } from '../../analysis/questions.js';
import { answerWarnings } from '../../analysis/warnings.js';
import { compiled, conclude, withInputs, type AnalysisFlags } from './analysis-options.js';
import { EndpointNames } from '../../analysis/endpoint-names.js';
import { isAllowed, questionsBetween } from '../../analysis/endpoint-questions.js';
import { exitCode, UsageError } from '../common/exit-codes.js';
import { readInputs } from './inputs.js';
import { answerText, answerWithReasons } from '../../report/answers.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';

const formats = ['text', 'json', 'yaml'] as const;

interface CanFlags extends AnalysisFlags {
  readonly all: boolean;
  readonly output?: readonly Output<(typeof formats)[number]>[];
}

const examples = `
Endpoints:
  web.shop, shop/web     pod, workload or Service web in namespace shop; web:8080 names its port, too
  deployment/web.shop    with its kind; deployment/web -n shop is the same
  shop/Deployment/web    an id as \`podwall reach\` prints it
  shop/app=web,tier=x    every workload with these labels: allowed when all of them are
  10.0.0.7               an IP address; the address of a known pod means that pod
  svc/api.shop:80        the pods of a Service, at their target port; without a port, at all of its ports
  api.shop.svc           a Service by its DNS name, with or without .cluster.local
  node/n1                the addresses of a node
  internet               every public address

Examples:
  podwall can web.shop db.shop 5432 -f manifests/
  podwall can internet deployment/web.shop https -f manifests/
  podwall can web.shop svc/dns.kube-system 53/UDP -f manifests/
  podwall can web.shop web.shop -f manifests/                two pods of one workload; which ports?`;

export const canCommand = (): Command =>
  withInputs(new Command('can'))
    .summary('whether a source may open connections to a destination')
    .description('whether a source may open connections to a destination; exit 0 when it may, 1 when not')
    .argument('<source>', 'an endpoint')
    .argument('<destination>', 'an endpoint')
    .argument('[port]', 'number or name, with /UDP or /SCTP if it is not TCP')
    .option('--all', 'where policies treat pods or addresses differently, every one must be allowed', false)
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action(run);

async function run(source: string, destination: string, port: string | undefined, flags: CanFlags): Promise<void> {
  const inputs = await readInputs(flags);
  const partial = conclude(inputs, flags, false);
  const input = compiled(inputs, flags);
  const evaluator = new Evaluator(input.program, input.blocks);
  const names = new EndpointNames(input, flags.namespace);
  const [from, to] = [names.named(source), names.destination(destination)];
  const answered = questionsBetween(names, from, to, port).flatMap((question) =>
    answersFor(evaluator, question).map((answer) => ({ answer, about: question.about })),
  );
  const answers = answered.map(({ answer }) => answer);
  if (answers.length === 0) throw new UsageError(`${source} and ${destination} have no address family in common`);
  const allowed = isAllowed(answered, flags.all);
  const resting = answers.flatMap((one) => answerWarnings(one, inputs.policies, inputs.implied));
  const warnings = [...new Set([...(to.note === undefined ? [] : [to.note]), ...resting])];
  await writeOutputs(flags.output, 'text', (format, paint) => {
    if (format === 'text') return [answerText({ answers, allowed, warnings }, { from, to }, paint)];
    const document = { kind: 'Answer', schemaVersion: 1, allowed, answers: answers.map(answerWithReasons), warnings };
    return [documentText(document, format)];
  });
  process.exitCode = partial !== exitCode.done ? partial : allowed ? exitCode.done : exitCode.no;
}
