import { Command } from 'commander';
import { commonFamilies, Judge, type End, type Judgement } from '../analysis/judge.js';
import { formatPorts, hasPort, noPorts, type PortSet } from '../analysis/port-sets.js';
import { compileWorkloads } from '../analysis/reachability.js';
import { workloadsOf } from '../analysis/workloads.js';
import type { Family } from '../model/address.js';
import { policyKey, type Direction } from '../model/policy.js';
import { printOrigin } from '../program/print.js';
import { endsNamed, nameOf, portNamed, type NumberedPort } from './ends.js';
import { exitCode, UsageError } from './exit-codes.js';
import { readInputs } from './inputs.js';
import { conclude, withInputs, type AnalysisFlags } from './reach.js';

export const canCommand = (): Command =>
  withInputs(new Command('can'))
    .description('whether one end may open connections to another; exit 0 when it may, 1 when not')
    .argument('<source>', 'web.shop, deployment/web.shop, an id of `reach`, an IP address, or internet')
    .argument('<destination>', 'the same')
    .argument('[port]', 'number or name, with /UDP or /SCTP where it is not TCP')
    .option('--all', 'of several pods that policies tell apart, every one must be allowed', false)
    .addHelpText(
      'after',
      '\nExamples:\n  podwall can web.shop db.shop 5432 -f manifests/\n  podwall can internet deployment/web.shop 443 -f manifests/',
    )
    .action(run);

async function run(source: string, destination: string, port: string | undefined, flags: CanFlags): Promise<void> {
  const inputs = await readInputs(flags);
  const workloads = workloadsOf(inputs.pods, inputs.policies);
  const partial = conclude(inputs, flags, false);
  const judge = new Judge(compileWorkloads(workloads, inputs), {
    ipBlocks: flags.ipBlocks,
    podCidrs: [...inputs.podCidrs, ...flags.podCidr],
  });
  const ends = (text: string): readonly End[] => endsNamed(text, workloads, flags.namespace);
  const answers = ends(source).flatMap((from) =>
    ends(destination).flatMap((to) => answersFor(judge, { from, to, port })),
  );
  if (answers.length === 0) throw new UsageError(`${source} and ${destination} have no address family in common`);
  const allowed = flags.all ? answers.every((one) => one.allowed) : answers.some((one) => one.allowed);
  const told = new Set(answers.filter((one) => one.allowed === allowed).map(({ sentence }) => sentence));
  const exceptions = new Set(answers.filter((one) => one.allowed !== allowed).map(({ sentence }) => sentence));
  process.stdout.write(`${allowed ? 'yes' : 'no'}: ${[...told].join('\n  ')}\n`);
  for (const sentence of exceptions) process.stdout.write(`  but ${sentence}\n`);
  process.exitCode = partial !== exitCode.done ? partial : allowed ? exitCode.done : exitCode.no;
}

interface CanFlags extends AnalysisFlags {
  readonly all: boolean;
}

interface Question {
  readonly from: End;
  readonly to: End;
  readonly port: string | undefined;
}

interface Answer {
  readonly allowed: boolean;
  readonly sentence: string;
}

/** One answer, unless the families differ. */
function answersFor(judge: Judge, question: Question): readonly Answer[] {
  const answers = commonFamilies(question.from, question.to).map((family) => ({
    family,
    ...answer(judge, question, family),
  }));
  const [first] = answers;
  if (first === undefined || answers.every(({ sentence }) => sentence === first.sentence)) return answers.slice(0, 1);
  return answers.map(({ allowed, sentence, family }) => ({ allowed, sentence: `over ${family}, ${sentence}` }));
}

function answer(judge: Judge, { from, to, port }: Question, family: Family): Answer {
  const { ports, assumed } = judge.allowed(from, to, family);
  const asked = port === undefined ? undefined : portNamed(port, to);
  const allowed = asked === undefined ? ports !== noPorts : hasPort(ports, asked.protocol, asked.number);
  const what = asked === undefined ? (allowed ? formatPorts(ports) : 'any port') : `${asked.protocol} ${asked.number}`;
  const reasons = (['egress', 'ingress'] as const)
    .map((direction) => reasonFor(judge, { from, to, family, direction }, asked))
    .filter((reason) => reason.denies !== allowed)
    .map(({ text }) => text);
  const sentence = `${nameOf(from)} ${allowed ? 'may' : 'may not'} reach ${nameOf(to)} on ${what}: ${reasons.join('; ')}`;
  return {
    allowed,
    sentence: assumed ? `${sentence} (assumed: a block covers every address that pods may get)` : sentence,
  };
}

interface Direct {
  readonly from: End;
  readonly to: End;
  readonly family: Family;
  readonly direction: Direction;
}

function reasonFor(
  judge: Judge,
  { from, to, family, direction }: Direct,
  asked: NumberedPort | undefined,
): { readonly denies: boolean; readonly text: string } {
  const [own, peer] = direction === 'egress' ? [from, to] : [to, from];
  const judgement = judge.judge(own, peer, { family, direction });
  return { denies: !allows(judgement, asked), text: textOf(judgement, own, direction, asked) };
}

const matchesAsked = (ports: PortSet, asked: NumberedPort | undefined): boolean =>
  asked === undefined ? ports !== noPorts : hasPort(ports, asked.protocol, asked.number);

const allows = (judgement: Judgement, asked: NumberedPort | undefined): boolean =>
  judgement.kind === 'open' || judgement.rules.some(({ ports }) => matchesAsked(ports, asked));

function textOf(judgement: Judgement, own: End, direction: Direction, asked: NumberedPort | undefined): string {
  if (own.kind === 'address') return `nothing judges the ${direction} of ${own.address}`;
  if (judgement.kind === 'open') return `no policy isolates ${nameOf(own)} for ${direction}`;
  const rule = judgement.rules.find(({ ports }) => matchesAsked(ports, asked));
  if (rule !== undefined) return `${direction} allowed by ${printOrigin(rule.origin)}`;
  return `${direction} isolated by ${judgement.by.map(policyKey).join(', ')}, and no rule allows it`;
}
