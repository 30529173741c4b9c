/** What the names of chains mean that log packets: the inverse of how they are named. */
import { directions, type Direction } from '../../model/policy.js';
import type { Decision } from '../../program/decision.js';
import type { Endpoint, RuleList } from '../../program/types.js';
import { denialName, judgementOf, wouldDenyNames } from '../render/isolation-chains.js';
import { openTarget } from '../render/report-chains.js';
import { allowedName, wouldAllowName } from '../render/rule-lists.js';

type NamedDecision = readonly [chain: string, decision: Decision];

/** Of packets that no rule list allowed. */
const ofEndpoint = (endpoint: Endpoint): NamedDecision[] =>
  directions.flatMap((direction): NamedDecision[] => {
    const judgement = judgementOf(endpoint, direction);
    if (judgement === undefined) return [];
    const { kind, isolation } = judgement;
    const decision = { direction, verdict: 'deny', isolating: isolation.by } as const;
    if (kind === 'enforced') return [[denialName(direction, isolation), { ...decision, mode: 'enforce' }]];
    return wouldDenyNames(direction, isolation).map((name) => [name, { ...decision, mode: 'audit' }]);
  });

/** Of packets that a rule of the list allowed, or would. */
const ofList = (list: RuleList): NamedDecision[] =>
  [...new Set(list.rules.map(({ origin }) => origin.rule))].flatMap((index): NamedDecision[] => {
    const { policy, direction } = list;
    const decision = { direction, verdict: 'allow', rule: { policy, index } } as const;
    const tried: NamedDecision = [wouldAllowName(list, index), { ...decision, mode: 'audit' }];
    return list.logsAllowed === true ? [tried, [allowedName(list, index), { ...decision, mode: 'enforce' }]] : [tried];
  });

const openDecision = (direction: Direction): NamedDecision => [
  openTarget(direction, true),
  { direction, verdict: 'allow', mode: 'enforce', isolating: [] },
];

/** Of the chains of an endpoint, of a rule list, and (of pods that nothing isolates) of every node. */
export const decisionNames = { ofEndpoint, ofList, always: directions.map(openDecision) } as const;
