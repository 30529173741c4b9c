/** What documents of kind Assertions expect, held to what policies allow. */
import type { Expectation } from '../../analysis/assertions.js';
import { commonFamilies } from '../../evaluation/flow-endpoints.js';
import { Evaluator } from '../../evaluation/evaluator.js';
import { allPorts, difference, hasPort, noPorts, portSet } from '../../evaluation/port-sets.js';
import { allowancesBetween, allowsWithoutPorts, type Question } from '../../analysis/questions.js';
import { Reach } from '../../analysis/reachability.js';
import { InputError } from '../../cluster/types.js';
import { formatPorts, type PortSet } from '../../model/reachability.js';
import type { TestResult } from '../../report/tests.js';
import type { World } from './analysis-options.js';
import type { PlacedAssertions } from './assertion-files.js';
import { questions } from './can.js';
import { EndNames } from './end-names.js';
import { UsageError } from '../common/exit-codes.js';

export type Checked = Omit<TestResult, 'file'>;

/** @throws InputError with the place of an expectation whose names mean nobody, or several */
export function check(
  world: World,
  assertions: readonly PlacedAssertions[],
  namespace: string | undefined,
): readonly Checked[] {
  const evaluator = new Evaluator(world.program, world.blocks);
  const names = new EndNames(world.inputs, world.workloads, world.program, namespace);
  return assertions.flatMap(({ expect, unlisted, place }) => [
    ...expect.map((one) => {
      try {
        return checkOne(evaluator, names, one);
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
function checkOne(evaluator: Evaluator, names: EndNames, one: Expectation): Checked {
  const title = titleOf(one);
  const wrong = answers(evaluator, names, one).filter(({ allowed }) => allowed !== one.allowed);
  if (wrong.length === 0) return { title };
  const over = wrong.flatMap(({ family }) => family ?? []);
  const where = over.length === 0 ? '' : ` over ${over.join(' and ')}`;
  return { title, failure: `it is ${one.allowed ? 'denied' : 'allowed'}${where}` };
}

function answers(evaluator: Evaluator, names: EndNames, { from, to, port, protocol }: Expectation) {
  const [source, destination] = [names.named(from), names.named(to)];
  if (protocol === 'ICMP')
    return questions(names, source, { ...destination, isLoose: false }, undefined).flatMap((pair) =>
      commonFamilies(pair.from, pair.to).map((family) => ({
        family,
        allowed: allowsWithoutPorts(evaluator, pair, family),
      })),
    );
  const asked = questions(names, source, destination, port === undefined ? undefined : `${port}/${protocol}`);
  const isLoose = source.isLoose === true || destination.isLoose === true;
  const allows = (question: Question, ports: Parameters<typeof hasPort>[0]): boolean =>
    question.port !== undefined && hasPort(ports, question.port.protocol, question.port.number);
  // Pods that have the named port under different numbers are asked by their own.
  const byPort = new Map(asked.map((question) => [JSON.stringify(question.port), question]));
  const found = [...byPort.values()].flatMap((question) =>
    allowancesBetween(
      evaluator,
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

/** Ports between workloads that are allowed, and that no expectation names. */
function checkUnlisted(
  { workloads, program, blocks }: World,
  names: EndNames,
  expect: readonly Expectation[],
): Checked[] {
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

/** By the ids of both ends. */
function listedPorts(names: EndNames, expect: readonly Expectation[]): ReadonlyMap<string, PortSet> {
  const listed = new Map<string, PortSet>();
  for (const { from, to, port, protocol, allowed } of expect) {
    if (!allowed || protocol === 'ICMP') continue;
    const asked = port === undefined ? undefined : `${port}/${protocol}`;
    for (const question of questions(names, names.named(from), names.named(to), asked)) {
      if (question.from.kind !== 'workload' || question.to.kind !== 'workload' || question.port === undefined) continue;
      const key = `${question.from.workload.id} ${question.to.workload.id}`;
      const { protocol: by, number } = question.port;
      listed.set(key, portSet([...(listed.get(key) ?? noPorts), { protocol: by, first: number, last: number }]));
    }
  }
  return listed;
}
