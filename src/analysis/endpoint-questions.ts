/** What is asked when people name a source, a destination and a port. */
import { InputError } from '../generic/input-error.js';
import { perNode, type EndpointNames, type NamedEndpoint } from './endpoint-names.js';
import type { Question } from './questions.js';

/** Every endpoint of the source with every endpoint of the destination; of a Service without a port, at each of its ports. */
export function questionsBetween(
  names: EndpointNames,
  from: NamedEndpoint,
  to: NamedEndpoint,
  port: string | undefined,
): readonly Question[] {
  const asked = port ?? to.service?.port;
  const ports = asked === undefined ? to.service?.service.ports.map((one) => `${one.port}/${one.protocol}`) : [asked];
  const pairs: readonly Question[] = perNode(from.endpoints, to.endpoints).flatMap((one) =>
    perNode(to.endpoints, from.endpoints).map((other) => ({ from: one, to: other })),
  );
  if (ports === undefined) return pairs;
  const questions = ports.flatMap((text) =>
    pairs.flatMap((pair) => {
      const number = names.port(text, to, pair.to);
      return number === undefined ? [] : [{ ...pair, port: number }];
    }),
  );
  const [name = '', protocol = 'TCP'] = (ports[0] ?? '').split('/');
  if (questions.length === 0) throw new InputError(`${to.title} has no ${protocol} port named ${name}`);
  return questions;
}
