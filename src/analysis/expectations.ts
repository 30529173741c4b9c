/** Checks what documents of kind Assertions expect against what policies allow. */
import { groupBy } from '../generic/group-by.js';
import type { Expectation, PositionedAssertions } from '../model/expectation.js';
import { commonFamilies } from '../evaluation/flow-endpoints.js';
import { Evaluator } from '../evaluation/evaluator.js';
import { allPorts, difference, hasPort, noPorts, portSet } from '../evaluation/port-sets.js';
import { allowancesBetween, allowsWithoutPorts, type Question } from './questions.js';
import { Reach } from './reachability.js';
import { InputError } from '../generic/input-error.js';
import { formatPorts, type PortSet } from '../model/reachability.js';
import type { CompiledInput } from './compiled-input.js';
import { EndpointNames } from './endpoint-names.js';
import { questionsBetween } from './endpoint-questions.js';

interface CheckedExpectation {
  readonly title: string;
  /** Absent: it holds. */
  readonly failure?: string;
}

/** @throws InputError with the position of an expectation whose names are unknown or ambiguous */
export function checkAssertions(
  input: CompiledInput,
  assertions: readonly PositionedAssertions[],
  namespace: string | undefined,
): readonly CheckedExpectation[] {
  const evaluator = new Evaluator(input.program, input.blocks);
  const names = new EndpointNames(input, namespace);
  return assertions.flatMap(({ expect, unlisted, position }) => [
    ...expect.map((one) => {
      try {
        return checkOne(evaluator, names, one);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        throw new InputError(`${position(one.path)}: ${titleOf(one)}: ${error.message}`);
      }
    }),
    ...(unlisted === 'denied' ? checkUnlisted(input, names, expect) : []),
  ]);
}

const titleOf = ({ from, to, port, protocol, allowed }: Expectation): string =>
  `${from} -> ${to} ${[protocol, ...(port === undefined ? [] : [port])].join(' ')} ${allowed ? 'allowed' : 'denied'}`;

/** In every family that both have in common it must be as expected. */
function checkOne(evaluator: Evaluator, names: EndpointNames, one: Expectation): CheckedExpectation {
  const title = titleOf(one);
  const wrong = answers(evaluator, names, one).filter(({ allowed }) => allowed !== one.allowed);
  if (wrong.length === 0) return { title };
  const over = wrong.flatMap(({ family }) => family ?? []);
  const where = over.length === 0 ? '' : ` over ${over.join(' and ')}`;
  return { title, failure: `it is ${one.allowed ? 'denied' : 'allowed'}${where}` };
}

function answers(evaluator: Evaluator, names: EndpointNames, { from, to, port, protocol }: Expectation) {
  const [source, destination] = [names.named(from), names.destination(to)];
  if (protocol === 'ICMP')
    return questionsBetween(names, source, { ...destination, isLoose: false }, undefined).flatMap((pair) =>
      commonFamilies(pair.from, pair.to).map((family) => ({
        family,
        allowed: allowsWithoutPorts(evaluator, pair, family),
      })),
    );
  const asked = questionsBetween(names, source, destination, port === undefined ? undefined : `${port}/${protocol}`);
  const isLoose = source.isLoose === true || destination.isLoose === true;
  const allows = (question: Question, ports: PortSet): boolean =>
    question.port !== undefined && hasPort(ports, question.port.protocol, question.port.number);
  // Pods that have the named port under different numbers are asked by their own.
  const byPort = groupBy(asked, ({ port: number }) => JSON.stringify(number)).values();
  const found = [...byPort].flatMap((same) =>
    allowancesBetween(evaluator, same, isLoose).map(({ family, allowance }) => ({
      family,
      allowed: same.some((question) => allows(question, allowance.ports)),
    })),
  );
  const families = [...new Set(found.map(({ family }) => family))];
  return families.map((family) => ({
    family,
    allowed: found.some((one) => one.family === family && one.allowed),
  }));
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
  for (const { from, to, port, protocol, allowed } of expect) {
    if (!allowed || protocol === 'ICMP') continue;
    const asked = port === undefined ? undefined : `${port}/${protocol}`;
    for (const question of questionsBetween(names, names.named(from), names.destination(to), asked)) {
      if (question.from.kind !== 'workload' || question.to.kind !== 'workload' || question.port === undefined) continue;
      const key = `${question.from.workload.id} ${question.to.workload.id}`;
      const { protocol: by, number } = question.port;
      listed.set(key, portSet([...(listed.get(key) ?? noPorts), { protocol: by, first: number, last: number }]));
    }
  }
  return listed;
}
