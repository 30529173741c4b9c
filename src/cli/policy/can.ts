import { Command } from 'commander';
import { nameOf, type FlowEndpoint } from '../../evaluation/flow-endpoints.js';
import { Evaluator } from '../../evaluation/evaluator.js';
import { answersFor, type Answer, type Question, type Reason } from '../../analysis/questions.js';
import { answerWarnings } from '../../analysis/warnings.js';
import { policyKey } from '../../model/policy.js';
import { formatPorts } from '../../model/reachability.js';
import { printOrigin } from '../../program/print.js';
import { compiled, conclude, withInputs, type AnalysisFlags } from './analysis-options.js';
import { EndpointNames, type NamedEndpoint } from '../../analysis/endpoint-names.js';
import { questionsBetween } from '../../analysis/endpoint-questions.js';
import { exitCode, UsageError } from '../common/exit-codes.js';
import { readInputs } from './inputs.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';

const formats = ['text', 'json', 'yaml'] as const;

interface CanFlags extends AnalysisFlags {
  readonly all: boolean;
  readonly output?: readonly Output<(typeof formats)[number]>[];
}

const examples = `
Ends:
  web.shop               pod or workload web in namespace shop (split at the last dot)
  deployment/web.shop    with its kind; deployment/web -n shop is the same
  shop/Deployment/web    an id as \`podwall reach\` prints it
  10.0.0.7               an IP address; that of a known pod is that pod
  svc/api.shop:80        the pods of a Service, at their target port
  internet               every public address

Examples:
  podwall can web.shop db.shop 5432 -f manifests/
  podwall can internet deployment/web.shop https -f manifests/
  podwall can web.shop svc/dns.kube-system 53/UDP -f manifests/
  podwall can web.shop web.shop -f manifests/                two pods of one workload; which ports?`;

export const canCommand = (): Command =>
  withInputs(new Command('can'))
    .description('whether one end may open connections to another; exit 0 when it may, 1 when not')
    .argument('<source>', 'an end')
    .argument('<destination>', 'an end')
    .argument('[port]', 'number or name, with /UDP or /SCTP where it is not TCP')
    .option('--all', 'of several pods or addresses that policies tell apart, every one must be allowed', false)
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action(run);

async function run(source: string, destination: string, port: string | undefined, flags: CanFlags): Promise<void> {
  const inputs = await readInputs(flags);
  const partial = conclude(inputs, flags, false);
  const input = compiled(inputs, flags);
  const evaluator = new Evaluator(input.program, input.blocks);
  const names = new EndpointNames(input, flags.namespace);
  const [from, to] = [names.named(source), names.named(destination)];
  const answers = questionsBetween(names, from, to, port).flatMap((question) => answersFor(evaluator, question));
  if (answers.length === 0) throw new UsageError(`${source} and ${destination} have no address family in common`);
  const allowed = flags.all ? answers.every((one) => one.allowed) : answers.some((one) => one.allowed);
  const warnings = [...new Set(answers.flatMap((one) => answerWarnings(one, inputs.policies, inputs.implied)))];
  await writeOutputs(flags.output, 'text', (format) => {
    if (format === 'text') return [textOf({ answers, allowed, warnings }, from, to)];
    const document = { kind: 'Answer', schemaVersion: 1, allowed, answers: answers.map(asJson), warnings };
    return [documentText(document, format)];
  });
  process.exitCode = partial !== exitCode.done ? partial : allowed ? exitCode.done : exitCode.no;
}

interface Told {
  readonly answers: readonly Answer[];
  readonly allowed: boolean;
  readonly warnings: readonly string[];
}

function textOf({ answers, allowed, warnings }: Told, from: NamedEndpoint, to: NamedEndpoint): string {
  const sentences = (some: readonly Answer[]): readonly string[] => sentencesOf(some, answers, from, to);
  const told = sentences(answers.filter((one) => one.allowed === allowed));
  const exceptions = sentences(answers.filter((one) => one.allowed !== allowed));
  return [
    `${allowed ? 'yes' : 'no'}: ${told.join('\n  ')}`,
    ...exceptions.map((sentence) => `  but ${sentence}`),
    ...warnings.map((warning) => `warning: ${warning}`),
    '',
  ].join('\n');
}

const shownMembers = 4;

/** Members with the same answer share a sentence. */
function sentencesOf(
  some: readonly Answer[],
  all: readonly Answer[],
  from: NamedEndpoint,
  to: NamedEndpoint,
): readonly string[] {
  const shared = new Map<string, Answer[]>();
  for (const one of some) {
    const key = `${one.family ?? ''} ${predicateOf(one)}`;
    const alike = shared.get(key);
    if (alike === undefined) shared.set(key, [one]);
    else alike.push(one);
  }
  const members = (named: NamedEndpoint, ends: readonly FlowEndpoint[], every: readonly FlowEndpoint[]): string => {
    const [mine, everybody] = [new Set(ends.map(nameOf)), new Set(every.map(nameOf))];
    if (named.isLoose === true && mine.size === everybody.size) return named.title;
    const listed = [...mine];
    return listed.length <= shownMembers
      ? listed.join(', ')
      : `${listed.slice(0, shownMembers - 1).join(', ')} and ${listed.length - shownMembers + 1} more of ${named.title}`;
  };
  return [...shared.values()].map((alike) => {
    const source = members(
      from,
      alike.map((one) => one.from),
      all.map((one) => one.from),
    );
    const destination = members(
      to,
      alike.map((one) => one.to),
      all.map((one) => one.to),
    );
    const [first] = alike;
    if (first === undefined) throw new Error('a sentence about nobody');
    const over = first.family === undefined ? '' : `over ${first.family}, `;
    return `${over}${source} ${predicateOf(first).replace('\0', destination)}`;
  });
}

/** What is said of the source; the destination's name goes where the NUL is. */
function predicateOf(answer: Answer): string {
  const { allowed, port, ports, assumed, reasons } = answer;
  const what = port === undefined ? (allowed ? formatPorts(ports) : 'any port') : `${port.protocol} ${port.number}`;
  const why = reasons.map(reasonText).filter((text) => text !== '');
  const assumption = assumed ? ' (assumed: a block covers every address that pods may get)' : '';
  const because = `: ${why.length === 0 ? 'policies select neither' : why.join('; ')}`;
  return `${allowed ? 'may' : 'may not'} reach \0 on ${what}${because}${assumption}`;
}

function reasonText(reason: Reason): string {
  const name = nameOf(reason.end);
  switch (reason.kind) {
    case 'itself':
      return reason.direction === 'egress' ? 'a pod may always reach itself' : '';
    case 'ownNode':
      return `a pod and its own node may always reach each other`;
    case 'notIsolated':
      return `no policy isolates ${name} for ${reason.direction}`;
    case 'notEnforced':
      return '';
    case 'unknownPod':
      return `no pod is known by the address of ${name}`;
    case 'allowedBy':
      return `${reason.direction} allowed by ${reason.rules.slice(0, 1).map(printOrigin).join()}`;
    case 'isolatedBy':
      return `${reason.direction} isolated by ${reason.policies.map(policyKey).join(', ')}, and no rule allows it`;
  }
}

/** What was answered, without why. */
export const answerAsJson = ({ from, to, port, family, allowed, assumed, ports }: Answer): object => ({
  from: nameOf(from),
  to: nameOf(to),
  ...(port === undefined ? {} : { port: port.number, protocol: port.protocol }),
  ...(family === undefined ? {} : { family }),
  allowed,
  ...(assumed ? { assumed } : {}),
  ports,
});

const asJson = (answer: Answer): object => ({
  ...answerAsJson(answer),
  reasons: answer.reasons
    .map((reason) => ({ direction: reason.direction, text: reasonText(reason) }))
    .filter(({ text }) => text !== ''),
});
