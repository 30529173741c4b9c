/** Checks what documents of kind Assertions expect against what policies allow. */
import { groupBy } from '../generic/group-by.js';
import type { Expectation, PositionedAssertions } from '../model/expectation.js';
import { commonFamilies } from '../evaluation/flow-endpoints.js';
import { Evaluator } from '../evaluation/evaluator.js';
import { allPorts, difference, hasPort, noPorts, portSet } from '../evaluation/port-sets.js';
import { allowancesBetween, allowsWithoutPorts, answersFor, type Answer, type Question } from './questions.js';
import { Reach } from './reachability.js';
import { InputError } from '../generic/input-error.js';
import { formatPorts, type PortSet } from '../model/reachability.js';
import type { CompiledInput } from './compiled-input.js';
import { EndpointNames, type NamedEndpoint } from './endpoint-names.js';
import { questionsBetween } from './endpoint-questions.js';

export interface CheckedExpectation {
  readonly title: string;
  /** `file:line:column`; absent where no expectation is about it. */
  readonly place?: string;
  /** Absent: it holds. */
  readonly failure?: string;
  /** What the policies say instead; absent where that is no answer about ports. */
  readonly found?: FoundAnswers;
}

interface FoundAnswers {
  readonly answers: readonly Answer[];
  readonly allowed: boolean;
  readonly from: NamedEndpoint;
  readonly to: NamedEndpoint;
}

/** An expectation whose names are unknown or ambiguous fails; the others are checked. */
export function checkAssertions(
  input: CompiledInput,
  assertions: readonly PositionedAssertions[],
  namespace: string | undefined,
): readonly CheckedExpectation[] {
  const evaluator = new Evaluator(input.program, input.blocks);
  const names = new EndpointNames(input, namespace);
  return assertions.flatMap(({ expect, unlisted, position }) => [
    ...expect.map((one) => ({ ...checkOne(evaluator, names, one), place: position(one) })),
    ...(unlisted === 'denied' ? checkUnlisted(input, names, expect) : []),
  ]);
}

const titleOf = ({ from, to, port, protocol, allowed }: Expectation): string =>
  `${from} -> ${to} ${[protocol, ...(port === undefined ? [] : [port])].join(' ')} ${allowed ? 'allowed' : 'denied'}`;

/** Of every pair of workloads that are meant, in every family that both have in common, it must be as expected. */
function checkOne(evaluator: Evaluator, names: EndpointNames, one: Expectation): CheckedExpectation {
  const title = titleOf(one);
  const wrong = orProblem(() => answers(evaluator, names, one).filter(({ allowed }) => allowed !== one.allowed));
  if ('problem' in wrong) return { title, failure: wrong.problem };
  if (wrong.found.length === 0) return { title };
  const over = [...new Set(wrong.found.flatMap(({ family }) => family ?? []))];
  const where = over.length === 0 ? '' : ` over ${over.join(' and ')}`;
  const failure = `it is ${one.allowed ? 'denied' : 'allowed'}${where}`;
  return { title, failure, ...(one.protocol === 'ICMP' ? {} : { found: foundAnswers(evaluator, names, one) }) };
}

/** What find throws where names are unknown or ambiguous, as a value. */
function orProblem<T>(find: () => T): { readonly found: T } | { readonly problem: string } {
  try {
    return { found: find() };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { problem: error.message };
  }
}

function foundAnswers(evaluator: Evaluator, names: EndpointNames, expectation: Expectation): FoundAnswers {
  const [from, to] = [names.named(expectation.from), names.destination(expectation.to)];
  const asked = questionsBetween(names, from, to, portTextOf(expectation));
  const all = asked.flatMap((question) => answersFor(evaluator, question));
  return { answers: all, allowed: !expectation.allowed, from, to };
}

const portTextOf = ({ port, protocol }: Expectation): string | undefined =>
  port === undefined ? undefined : `${port}/${protocol}`;

function answers(evaluator: Evaluator, names: EndpointNames, expectation: Expectation) {
  const { from, to, protocol } = expectation;
  const [source, destination] = [names.named(from), names.destination(to)];
  if (protocol === 'ICMP')
    return questionsBetween(names, source, { ...destination, isLoose: false }, undefined).flatMap((pair) =>
      commonFamilies(pair.from, pair.to).map((family) => ({
        family,
        allowed: allowsWithoutPorts(evaluator, pair, family),
      })),
    );
  const asked = questionsBetween(names, source, destination, portTextOf(expectation));
  const isLoose = source.isLoose === true || destination.isLoose === true;
  const allows = (question: Question, ports: PortSet): boolean =>
    question.port !== undefined && hasPort(ports, question.port.protocol, question.port.number);
  return [...groupBy(asked, ({ about }) => about).values()].flatMap((pair) => {
    // Pods that have the named port under different numbers are asked by their own.
    const byPort = groupBy(pair, ({ port: number }) => JSON.stringify(number)).values();
    const found = [...byPort].flatMap((same) =>
      allowancesBetween(evaluator, same, isLoose).map(({ family, allowance }) => ({
        family,
        allowed: same.some((question) => allows(question, allowance.ports)),
      })),
    );
    return [...new Set(found.map(({ family }) => family))].map((family) => ({
      family,
      allowed: found.some((one) => one.family === family && one.allowed),
    }));
  });
}

/** Ports between workloads that are allowed, and that no expectation names. */
function checkUnlisted(
  { workloads, program, blocks }: CompiledInput,
  names: EndpointNames,
  expect: readonly Expectation[],
): CheckedExpectation[] {
  const listed = listedPorts(names, expect);
  const { connections } = new Reach(workloads, program, {
    ...blocks,
    self: false,
    from: ({ workload }) => (workload === undefined ? noPorts : allPorts),
    to: ({ workload }) => (workload === undefined ? noPorts : allPorts),
  });
  return [...connections].flatMap(({ from, to, allowed }) => {
    const known = listed.get(`${from} ${to}`);
    const left = difference(allowed, known ?? noPorts);
    if (left.length === 0) return [];
    const title = `${from} -> ${to} denied${known === undefined ? ', as nothing lists it' : ' but for what is listed'}`;
    return [{ title, failure: `${formatPorts(left)} is allowed` }];
  });
}

/** By the ids of source and destination. */
function listedPorts(names: EndpointNames, expect: readonly Expectation[]): ReadonlyMap<string, PortSet> {
  const listed = new Map<string, PortSet>();
  for (const one of expect) {
    if (!one.allowed || one.protocol === 'ICMP') continue;
    const asked = orProblem(() =>
      questionsBetween(names, names.named(one.from), names.destination(one.to), portTextOf(one)),
    );
    // An expectation with such names has failed already.
    for (const question of 'found' in asked ? asked.found : []) {
      if (question.from.kind !== 'workload' || question.to.kind !== 'workload' || question.port === undefined) continue;
      const key = `${question.from.workload.id} ${question.to.workload.id}`;
      const { protocol: by, number } = question.port;
      listed.set(key, portSet([...(listed.get(key) ?? noPorts), { protocol: by, first: number, last: number }]));
    }
  }
  return listed;
}
