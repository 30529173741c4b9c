import { Command } from 'commander';
import { commonFamilies, Judge, type End, type Judgement } from '../analysis/judge.js';
import { formatPorts, hasPort, noPorts, type PortSet } from '../analysis/port-sets.js';
import { compileWorkloads } from '../analysis/reachability.js';
import { workloadsOf, type Workload } from '../analysis/workloads.js';
import { parseAddress, type Address, type Family } from '../model/address.js';
import { policyKey, protocols, type Direction, type Protocol } from '../model/policy.js';
import { printOrigin } from '../program/print.js';
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
  asked: { protocol: Protocol; number: number } | undefined,
): { readonly denies: boolean; readonly text: string } {
  const [own, peer] = direction === 'egress' ? [from, to] : [to, from];
  const judgement = judge.judge(own, peer, { family, direction });
  return { denies: !allows(judgement, asked), text: textOf(judgement, own, direction, asked) };
}

const matchesAsked = (ports: PortSet, asked: { protocol: Protocol; number: number } | undefined): boolean =>
  asked === undefined ? ports !== noPorts : hasPort(ports, asked.protocol, asked.number);

const allows = (judgement: Judgement, asked: { protocol: Protocol; number: number } | undefined): boolean =>
  judgement.kind === 'open' || judgement.rules.some(({ ports }) => matchesAsked(ports, asked));

function textOf(
  judgement: Judgement,
  own: End,
  direction: Direction,
  asked: { protocol: Protocol; number: number } | undefined,
): string {
  if (own.kind === 'address') return `nothing judges the ${direction} of ${own.address}`;
  if (judgement.kind === 'open') return `no policy isolates ${nameOf(own)} for ${direction}`;
  const rule = judgement.rules.find(({ ports }) => matchesAsked(ports, asked));
  if (rule !== undefined) return `${direction} allowed by ${printOrigin(rule.origin)}`;
  return `${direction} isolated by ${judgement.by.map(policyKey).join(', ')}, and no rule allows it`;
}

const nameOf = (end: End): string => (end.kind === 'workload' ? end.workload.id : end.address);

function portNamed(text: string, to: End): { protocol: Protocol; number: number } {
  const [name = '', suffix = 'TCP'] = text.split('/');
  const protocol = protocols.find((one) => one === suffix.toUpperCase());
  if (protocol === undefined) throw new UsageError(`${suffix} is no protocol: TCP, UDP or SCTP`);
  if (/^\d+$/.test(name) && Number(name) >= 1 && Number(name) <= 65_535) return { protocol, number: Number(name) };
  const named =
    to.kind === 'workload'
      ? to.workload.ports.find((one) => one.name === name && one.protocol === protocol)
      : undefined;
  if (named === undefined) throw new UsageError(`${nameOf(to)} has no ${protocol} port named ${name}`);
  return { protocol, number: named.port };
}

/** Addresses of every family that no private range holds: what the world outside looks like. */
const internet: readonly Address[] = ['198.51.100.1', '2001:db8::1'].map((text) => text as Address);

function endsNamed(text: string, workloads: readonly Workload[], namespace: string | undefined): readonly End[] {
  if (text === 'internet') return internet.map((address) => ({ kind: 'address', address }));
  const address = parseAddress(text);
  if (address !== undefined) {
    const holder = workloads.filter((workload) => workload.addresses.includes(address));
    return holder.length === 0 ? [{ kind: 'address', address }] : holder.map(asEnd);
  }
  const found = workloads.filter((workload) => isNamed(workload, text, namespace));
  const owners = [...new Set(found.map(({ id }) => id.split('#')[0] ?? ''))];
  if (owners.length > 1) throw new UsageError(`${text} is ambiguous: ${owners.join(', ')}`);
  if (found.length > 0) return found.map(asEnd);
  const near = workloads.map(({ id }) => id).filter((id) => id.includes(text.split(/[./]/)[0] ?? text));
  throw new UsageError(
    `nobody is called ${text}${near.length === 0 ? '' : `; there are: ${near.slice(0, 5).join(', ')}`}`,
  );
}

const asEnd = (workload: Workload): End => ({ kind: 'workload', workload });

/** `web.shop` is split at its last dot; `deployment/web.shop` names the kind too. */
function isNamed(workload: Workload, text: string, namespace = 'default'): boolean {
  if (workload.id === text || workload.id.split('#')[0] === text) return true;
  const [kind, rest] = text.includes('/')
    ? [text.slice(0, text.indexOf('/')), text.slice(text.indexOf('/') + 1)]
    : [undefined, text];
  if (kind !== undefined && kind.toLowerCase() !== workload.kind.toLowerCase()) return false;
  const dot = rest.lastIndexOf('.');
  if (workload.name === rest && workload.namespace === namespace) return true;
  return dot > 0 && rest.slice(0, dot) === workload.name && rest.slice(dot + 1) === workload.namespace;
}
