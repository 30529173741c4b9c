/** Answers of `can` as people and programs read them. */
import { groupBy } from '../generic/group-by.js';
import type { NamedEndpoint } from '../analysis/endpoint-names.js';
import type { Answer, Reason } from '../analysis/questions.js';
import { nameOf, type FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { policyKey, type Direction } from '../model/policy.js';
import { formatPorts } from '../model/reachability.js';
import { printOrigin } from '../program/print.js';
import { paintAnswer, plain, type Paint } from './paint.js';

interface Answered {
  readonly answers: readonly Answer[];
  readonly allowed: boolean;
  readonly warnings: readonly string[];
}

interface Asked {
  readonly from: NamedEndpoint;
  readonly to: NamedEndpoint;
}

export function answerText(
  { answers, allowed, warnings }: Answered,
  { from, to }: Asked,
  paint: Paint = plain,
): string {
  const sentences = (some: readonly Answer[]): readonly string[] => sentencesOf(some, answers, from, to);
  const expected = sentences(answers.filter((one) => one.allowed === allowed));
  const exceptions = sentences(answers.filter((one) => one.allowed !== allowed));
  return [
    `${paintAnswer(paint, allowed)}: ${expected.join('\n  ')}`,
    ...exceptions.map((sentence) => `  but ${sentence}`),
    ...warnings.map((warning) => `warning: ${warning}`),
    '',
  ].join('\n');
}

const shownMembers = 4;

/** Members with the same answer share a sentence. */
function sentencesOf(
  some: readonly Answer[],
  every: readonly Answer[],
  from: NamedEndpoint,
  to: NamedEndpoint,
): readonly string[] {
  const shared = groupBy(some, (one) => `${one.family ?? ''} ${predicateOf(one)}`);
  const members = (
    named: NamedEndpoint,
    endpoints: readonly FlowEndpoint[],
    every: readonly FlowEndpoint[],
  ): string => {
    const [own, all] = [new Set(endpoints.map(nameOf)), new Set(every.map(nameOf))];
    if (named.isLoose === true && own.size === all.size) return named.title;
    const listed = [...own];
    return listed.length <= shownMembers
      ? listed.join(', ')
      : `${listed.slice(0, shownMembers - 1).join(', ')} and ${listed.length - shownMembers + 1} more of ${named.title}`;
  };
  return [...shared.values()].map((alike) => {
    const source = members(
      from,
      alike.map((one) => one.from),
      every.map((one) => one.from),
    );
    const destination = members(
      to,
      alike.map((one) => one.to),
      every.map((one) => one.to),
    );
    const [first] = alike;
    if (first === undefined) throw new Error('a sentence without an answer');
    const over = first.family === undefined ? '' : `over ${first.family}, `;
    return `${over}${source} ${predicateOf(first).replace('\0', destination)}`;
  });
}

/** The ports that a question names, or that its answer gives. */
export const askedText = ({ allowed, port, ports }: Answer): string =>
  port !== undefined ? `${port.protocol} ${port.number}` : allowed ? formatPorts(ports) : 'any port';

export const assumptionText = 'assumed: a block covers every address that pods may get';

/** What is said of the source; the destination's name goes where the NUL is. */
function predicateOf(answer: Answer): string {
  const { allowed, assumed, reasons } = answer;
  const why = reasons.map(reasonText).filter((text) => text !== '');
  const assumption = assumed ? ` (${assumptionText})` : '';
  const because = `: ${why.length === 0 ? 'policies select neither' : why.join('; ')}`;
  return `${allowed ? 'may' : 'may not'} reach \0 on ${askedText(answer)}${because}${assumption}`;
}

/** What reaches a pod from its own node is mostly the kubelet. */
export const ownNodeText = (direction: Direction): string =>
  `a pod and its own node may always reach each other${direction === 'ingress' ? " (so may the kubelet's probes)" : ''}`;

function reasonText(reason: Reason): string {
  const name = nameOf(reason.endpoint);
  switch (reason.kind) {
    case 'itself':
      return reason.direction === 'egress' ? 'a pod may always reach itself' : '';
    case 'ownNode':
      return ownNodeText(reason.direction);
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

export const answerWithReasons = (answer: Answer): object => ({
  ...answerAsJson(answer),
  reasons: answer.reasons
    .map((reason) => ({ direction: reason.direction, text: reasonText(reason) }))
    .filter(({ text }) => text !== ''),
});
