/** What the names of chains mean that log packets, for one program: which policies, and which rule. */
import { directions, type Direction } from '../../model/policy.js';
import type { NamedDecision } from '../../program/decision.js';
import type { Endpoint, RuleList } from '../../program/types.js';
import { isolationSpecOf } from './isolation-spec.js';
import { chains } from '../names/chains.js';
import { policiesNamed, ruleNamed } from '../names/policies.js';

/** Of packets that no rule list allowed. */
const ofEndpoint = (endpoint: Endpoint): NamedDecision[] =>
  directions.flatMap((direction): NamedDecision[] => {
    const spec = isolationSpecOf(endpoint, direction);
    if (spec === undefined) return [];
    const { by } = spec.isolation;
    const named = policiesNamed(direction, by);
    const decision = { direction, verdict: 'deny', isolating: by } as const;
    if (spec.kind === 'enforced')
      return [[chains.nameOf({ kind: 'deny', ...named }), { ...decision, mode: 'enforce' }]];
    return [false, true].map((recorded) => [
      chains.nameOf({ kind: 'dry-run-deny', ...named, recorded }),
      { ...decision, mode: 'dry-run' },
    ]);
  });

/** Of packets that a rule of the list allowed, or would. */
const ofList = (list: RuleList): NamedDecision[] =>
  [...new Set(list.rules.map(({ origin }) => origin.rule))].flatMap((index): NamedDecision[] => {
    const { policy, direction } = list;
    const named = ruleNamed(list, index);
    const decision = { direction, verdict: 'allow', rule: { policy, index } } as const;
    return [
      [chains.nameOf({ kind: 'dry-run-allow', ...named }), { ...decision, mode: 'dry-run' }],
      ...(list.logsAllowed === true
        ? [[chains.nameOf({ kind: 'allow', ...named }), { ...decision, mode: 'enforce' }] as const]
        : []),
    ];
  });

const ofNotIsolated = (direction: Direction): NamedDecision => [
  chains.nameOf({ kind: 'allow-not-isolated', direction }),
  { direction, verdict: 'allow', mode: 'enforce', isolating: [] },
];

/** Of the chains of an endpoint, of a rule list, and (of pods that nothing isolates) of every node. */
export const decisionNames = { ofEndpoint, ofList, always: directions.map(ofNotIsolated) } as const;
