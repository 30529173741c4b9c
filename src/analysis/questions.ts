/** May one end open connections to another? The answer for each pair of members, with its reasons. */
import { families, type Family } from '../model/address.js';
import type { Direction, PolicyRef, Protocol } from '../model/policy.js';
import type { PortSet } from '../model/reachability.js';
import type { RuleOrigin } from '../program/types.js';
import { either, isAssumed, nothing, together, type Allowance } from '../evaluation/allowances.js';
import { addressesOf, commonFamilies, type FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { sumOf, type Judge, type Judgement } from '../evaluation/evaluator.js';
import { hasPort } from '../evaluation/port-sets.js';

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
  /** It was judged over this one. */
  readonly over: Family;
  /** Only where the families differ. */
  readonly family?: Family;
  readonly allowed: boolean;
  readonly assumed: boolean;
  /** Of all that is allowed, whatever was asked. */
  readonly ports: PortSet;
  /** Why, at the end that each direction belongs to: egress at the source, ingress at the destination. */
  readonly reasons: readonly Reason[];
}

export type Reason = { readonly direction: Direction; readonly end: FlowEndpoint } & (
  | { readonly kind: 'itself' | 'ownNode' | 'open' | 'nobody' }
  | { readonly kind: 'allowedBy'; readonly rules: readonly RuleOrigin[] }
  | { readonly kind: 'isolatedBy'; readonly policies: readonly PolicyRef[] }
);

/** One answer, unless the families differ; none, when the ends have no family in common. */
export function answersFor(judge: Judge, question: Question): readonly Answer[] {
  const { from, to } = question;
  const found = commonFamilies(from, to).map((family) => ({ family, answer: answerOver(judge, question, family) }));
  const answers = found.map(({ answer }) => answer);
  const [first] = answers;
  if (first === undefined) return [];
  if (answers.every((one) => sameAnswer(one, first))) return [first];
  // Nobody knows which family two pods without addresses will have: one that may is enough.
  if (addressesOf(from).length === 0 && addressesOf(to).length === 0)
    return [answers.find(({ allowed }) => allowed) ?? first];
  return found.map(({ family, answer }) => ({ ...answer, family }));
}

const sameAnswer = (a: Answer, b: Answer): boolean =>
  JSON.stringify([a.allowed, a.assumed, portsAsked(a), a.reasons.map(told)]) ===
  JSON.stringify([b.allowed, b.assumed, portsAsked(b), b.reasons.map(told)]);

/** Who asked about one port does not ask about others. */
const portsAsked = ({ port, ports }: Answer): PortSet => (port === undefined ? ports : []);

/** The end goes without saying: it is the direction's. */
const told = ({ end, ...reason }: Reason): object => ({ ...reason, end: end.kind });

function answerOver(judge: Judge, { from, to, port }: Question, family: Family): Answer {
  const sides = (['egress', 'ingress'] as const).map((direction) => {
    const [end, peer] = direction === 'egress' ? [from, to] : [to, from];
    const judgement = judge.judge(end, peer, { family, direction });
    return { judgement, reason: reasonOf(judgement, { direction, end }, port) };
  });
  const allowance = sides.map(({ judgement }) => sumOf(judgement)).reduce(together);
  const allowed = includes(allowance.ports, port);
  // What lets through is no reason for a denial.
  const reasons = sides.map(({ reason }) => reason).filter((reason) => allowed || reason.kind === 'isolatedBy');
  return {
    from,
    to,
    ...(port === undefined ? {} : { port }),
    over: family,
    allowed,
    assumed: allowed && isAssumed(allowance) && !includes(allowance.sure, port),
    ports: allowance.ports,
    reasons: reasons.length > 0 ? reasons : sides.map(({ reason }) => reason),
  };
}

const includes = (ports: PortSet, port: AskedPort | undefined): boolean =>
  port === undefined ? ports.length > 0 : hasPort(ports, port.protocol, port.number);

function reasonOf(
  judgement: Judgement,
  side: { readonly direction: Direction; readonly end: FlowEndpoint },
  port: AskedPort | undefined,
): Reason {
  if (side.end.kind === 'address') return { ...side, kind: 'nobody' };
  if (judgement.kind !== 'isolated') return { ...side, kind: judgement.kind };
  const rules = judgement.rules.filter(({ ports }) => includes(ports, port)).map(({ origin }) => origin);
  return rules.length > 0
    ? { ...side, kind: 'allowedBy', rules }
    : { ...side, kind: 'isolatedBy', policies: judgement.by };
}

/** What all members together may, over the families they have in common; `loose`: over any. */
export function verdicts(
  judge: Judge,
  pairs: readonly Question[],
  loose: boolean,
): readonly { readonly family: Family | undefined; readonly allowance: Allowance }[] {
  const isTemplate = (end: FlowEndpoint): boolean => addressesOf(end).length === 0;
  if (loose || pairs.some(({ from, to }) => isTemplate(from) && isTemplate(to))) {
    const all = pairs.map(({ from, to }) => judge.allowedSomehow(from, to)).reduce(either, nothing);
    return [{ family: undefined, allowance: all }];
  }
  return families.flatMap((family) => {
    const meeting = pairs.filter(({ from, to }) => commonFamilies(from, to).includes(family));
    if (meeting.length === 0) return [];
    return [
      { family, allowance: meeting.map(({ from, to }) => judge.allowed(from, to, family)).reduce(either, nothing) },
    ];
  });
}
