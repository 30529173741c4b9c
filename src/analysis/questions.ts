/** May one endpoint open connections to another? The answer for each pair, with its reasons. */
import { families, type Family } from '../model/address.js';
import type { Protocol } from '../model/policy.js';
import type { PortSet } from '../model/reachability.js';
import { either, isAssumed, nothing, type Allowance } from '../evaluation/allowances.js';
import type { Evaluator } from '../evaluation/evaluator.js';
import { addressesOf, commonFamilies, type FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { hasPort } from '../evaluation/port-sets.js';
import { allowanceOf, verdictOf, type Reason as EvaluationReason } from '../evaluation/verdicts.js';

export interface AskedPort {
  readonly protocol: Protocol;
  readonly number: number;
}

export interface Question {
  readonly from: FlowEndpoint;
  readonly to: FlowEndpoint;
  /** Absent: is anything allowed? */
  readonly port?: AskedPort;
}

export interface Answer {
  readonly from: FlowEndpoint;
  readonly to: FlowEndpoint;
  readonly port?: AskedPort;
  /** It holds over this one. */
  readonly over: Family;
  /** Only where the families differ. */
  readonly family?: Family;
  readonly allowed: boolean;
  readonly assumed: boolean;
  /** Of all that is allowed, whatever was asked. */
  readonly ports: PortSet;
  readonly reasons: readonly Reason[];
}

/** With the endpoint that the direction belongs to: egress at the source, ingress at the destination. */
export type Reason = EvaluationReason & { readonly endpoint: FlowEndpoint };

/** One answer, unless the families differ; none, when the endpoints have no family in common. */
export function answersFor(evaluator: Evaluator, question: Question): readonly Answer[] {
  const { from, to } = question;
  const found = commonFamilies(from, to).map((family) => ({ family, answer: answerOver(evaluator, question, family) }));
  const answers = found.map(({ answer }) => answer);
  const [first] = answers;
  if (first === undefined) return [];
  if (answers.every((one) => sameAnswer(one, first))) return [first];
  // Nobody knows which family two pods without addresses will have: one that may is enough.
  if (addressesOf(from).length === 0 && addressesOf(to).length === 0)
    return [answers.find(({ allowed }) => allowed) ?? first];
  return found.map(({ family, answer }) => ({ ...answer, family }));
}

const sameAnswer = (a: Answer, b: Answer): boolean => JSON.stringify(comparable(a)) === JSON.stringify(comparable(b));

/** Who asks about one port does not ask about others, and the endpoints are those of the question. */
const comparable = ({ allowed, assumed, port, ports, reasons }: Answer): readonly unknown[] => [
  allowed,
  assumed,
  port === undefined ? ports : [],
  reasons.map(({ endpoint, ...reason }) => ({ ...reason, endpoint: endpoint.kind })),
];

function answerOver(evaluator: Evaluator, { from, to, port }: Question, family: Family): Answer {
  const verdicts = evaluator.verdicts(from, to, family);
  const { allowed, reasons } = verdictOf(verdicts, port);
  const allowance = allowanceOf(verdicts);
  return {
    from,
    to,
    ...(port === undefined ? {} : { port }),
    over: family,
    allowed,
    assumed: allowed && isAssumed(allowance) && !includes(allowance.sure, port),
    ports: allowance.ports,
    reasons: reasons.map((reason) => ({ ...reason, endpoint: reason.direction === 'egress' ? from : to })),
  };
}

const includes = (ports: PortSet, port: AskedPort | undefined): boolean =>
  port === undefined ? ports.length > 0 : hasPort(ports, port.protocol, port.number);

/** What all members together may, over the families they have in common; `loose`: over any. */
export function allowancesBetween(
  evaluator: Evaluator,
  pairs: readonly Question[],
  loose: boolean,
): readonly { readonly family: Family | undefined; readonly allowance: Allowance }[] {
  const isTemplate = (endpoint: FlowEndpoint): boolean => addressesOf(endpoint).length === 0;
  if (loose || pairs.some(({ from, to }) => isTemplate(from) && isTemplate(to))) {
    const all = pairs.map(({ from, to }) => allowanceOverAny(evaluator, from, to)).reduce(either, nothing);
    return [{ family: undefined, allowance: all }];
  }
  return families.flatMap((family) => {
    const meeting = pairs.filter(({ from, to }) => commonFamilies(from, to).includes(family));
    if (meeting.length === 0) return [];
    const all = meeting.map(({ from, to }) => evaluator.allowance(from, to, family)).reduce(either, nothing);
    return [{ family, allowance: all }];
  });
}

/** Over any family that both have. */
export const allowanceOverAny = (evaluator: Evaluator, from: FlowEndpoint, to: FlowEndpoint): Allowance =>
  commonFamilies(from, to)
    .map((family) => evaluator.allowance(from, to, family))
    .reduce(either, nothing);

/** Whether `from` may send `to` what has no ports: ICMP and the like. */
export const allowsWithoutPorts = (evaluator: Evaluator, { from, to }: Question, family: Family): boolean =>
  verdictOf(evaluator.verdicts(from, to, family), { protocol: 'other', number: 0 }).allowed;
