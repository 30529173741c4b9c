/** What is asked when people name a source, a destination and a port. */
import { isDeepStrictEqual } from 'node:util';
import { groupBy } from '../generic/group-by.js';
import { InputError } from '../generic/input-error.js';
import type { FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { ownerKey } from '../model/workload.js';
import { perNode, type EndpointNames, type NamedEndpoint } from './endpoint-names.js';
import type { Answer, Question } from './questions.js';

interface NamedQuestion extends Question {
  /** The workloads and the port of a Service that it is about: what a name means is allowed when each of these is. */
  readonly about: string;
}

/** Every endpoint of the source with every endpoint of the destination; of a Service without a port, at each of its ports. */
export function questionsBetween(
  names: EndpointNames,
  from: NamedEndpoint,
  to: NamedEndpoint,
  port: string | undefined,
): readonly NamedQuestion[] {
  if (port !== undefined && to.port !== undefined) refuseTwoPorts(names, to, [to.port, port]);
  const asked = port ?? to.port;
  const ports = asked === undefined ? to.service?.service.ports.map((one) => `${one.port}/${one.protocol}`) : [asked];
  const pairs = perNode(from.endpoints, to.endpoints).flatMap((one) =>
    perNode(to.endpoints, from.endpoints).map((other) => ({
      from: one,
      to: other,
      about: `${ownerOf(one)} ${ownerOf(other)}`,
    })),
  );
  if (ports === undefined) return pairs;
  const questions = ports.flatMap((text) =>
    pairs.flatMap((pair) => {
      const number = names.port(text, to, pair.to);
      return number === undefined ? [] : [{ ...pair, port: number, about: `${pair.about} ${text}` }];
    }),
  );
  const [name = '', protocol = 'TCP'] = (ports[0] ?? '').split('/');
  if (questions.length === 0) throw new InputError(`${to.title} has no ${protocol} port named ${name}`);
  return questions;
}

/** Addresses of one name, of the internet or of a node, are one. */
const ownerOf = (endpoint: FlowEndpoint): string => (endpoint.kind === 'workload' ? ownerKey(endpoint.workload) : '');

/** A number and the name of the same port are no two ports. */
function refuseTwoPorts(names: EndpointNames, to: NamedEndpoint, [one, other]: readonly [string, string]): void {
  const isSame = to.endpoints.every((end) => isDeepStrictEqual(names.port(one, to, end), names.port(other, to, end)));
  if (!isSame) throw new InputError(`${to.title} names port ${one}, and port ${other} is asked for: give one of them`);
}

interface Answered {
  readonly answer: Pick<Answer, 'allowed'>;
  readonly about: NamedQuestion['about'];
}

/**
 * Each pair of workloads must be allowed, at each port of a Service; of one workload's pods, or of addresses that
 * policies treat differently, one is enough.
 * @param all of these every one must be, too
 */
export const isAllowed = (answered: readonly Answered[], all = false): boolean =>
  [...groupBy(answered, ({ about }) => about).values()].every((some) =>
    all ? some.every(({ answer }) => answer.allowed) : some.some(({ answer }) => answer.allowed),
  );
