/**
 * Packets that the audit log tells of and that go on as they were going: what a dry run would judge otherwise, and the
 * first packets of allowed flows. None of these chains accepts or drops anything.
 */
import { families, type Family } from '../../model/address.js';
import { directions, type Direction } from '../../model/policy.js';
import { short } from '../names/directions.js';
import { emptySet } from '../language/empty-set.js';
import * as x from '../language/expressions.js';
import { addressType, digit } from '../language/key-types.js';
import { firstOfFlow, loggedCounters, logRules, pairSets, type AuditRules, type Logged } from './log-rules.js';
import type { Chain, NftSet, Rule, Statement } from '../language/types.js';

/** Packets that the log should tell of, and those of them that passed its limits. */
export const reportCounters = { wanted: 'to-report', logged: 'logged-report' } as const;

/** Relations that a dry run of this direction has told of lately. */
const reportedSet = (direction: Direction, family: Family): string => `reported-${short(direction)}${digit(family)}`;

/** UDP flows whose first packet was recorded, and that have seen no answer: to conntrack each packet of one is its first. */
const recordedSet = (direction: Direction, family: Family): string => `recorded-${short(direction)}${digit(family)}`;

/** As long as conntrack keeps such a flow: a later packet is another flow's. */
const recorded = { timeoutSeconds: 30, size: 65_536 };

/** A relation is told of again after this long: as often as the log sums what is denied again and again. */
const reported = { timeoutSeconds: 5, size: 65_536 };

/** Sets and counters that log rules need; nothing when nothing is logged. */
export function auditObjects(audit: AuditRules | undefined): {
  readonly sets: readonly NftSet[];
  readonly counters: readonly string[];
} {
  if (audit === undefined) return { sets: [], counters: [] };
  return {
    counters: [...Object.values(loggedCounters), ...Object.values(reportCounters)],
    sets: [
      ...pairSets(audit),
      ...families.flatMap((family) =>
        directions.flatMap((direction) => {
          const address = addressType(family);
          return [
            {
              ...emptySet(reportedSet(direction, family), [address, address, 'inet_proto', 'inet_service']),
              dynamic: reported,
            },
            {
              ...emptySet(recordedSet(direction, family), [address, 'inet_service', address, 'inet_service']),
              dynamic: recorded,
            },
          ];
        }),
      ),
    ],
  };
}

/** Counts and logs, and lets the packet go on to the next rule. */
export const reportRules = (logged: Omit<Logged, 'counter'>, audit: AuditRules): Rule[] => [
  { statements: [...(logged.first === true ? [firstOfFlow] : []), x.count(reportCounters.wanted)] },
  ...logRules({ ...logged, counter: reportCounters.logged }, audit),
];

const relationOf = (family: Family): readonly Statement[] => [x.ofFamily(family), x.flowHasPorts];
const isReported = (direction: Direction, family: Family): readonly Statement[] => [
  ...relationOf(family),
  x.inSet(x.relation(family, x.flowProtocol), reportedSet(direction, family)),
];

export interface DryRunReport {
  /** Of the chain, and of the counter of every packet that a dry run would judge otherwise. */
  readonly name: string;
  readonly direction: Direction;
  /** How the packet goes on. */
  readonly then: Statement;
  readonly comment: string;
}

/** Tells of a relation once in a while; its pods are in `told` sets, so that the cache does not remember it. */
export function dryRunChain({ name, direction, then, comment }: DryRunReport, audit: AuditRules | undefined): Chain {
  const telling = (to: AuditRules): Rule[] => [
    ...families.map((family) => ({ statements: [...isReported(direction, family), then] })),
    ...families.map((family) => ({
      statements: [
        ...relationOf(family),
        x.record('add', x.relation(family, x.flowProtocol), reportedSet(direction, family)),
      ],
    })),
    ...reportRules({ chain: name, judgedBy: 'flow' }, to),
  ];
  return {
    name,
    rules: [
      { statements: [x.count(name)], comment },
      ...(audit === undefined ? [] : telling(audit)),
      { statements: [then] },
    ],
  };
}

export interface AllowedFlows {
  /** Of the chain. */
  readonly name: string;
  readonly direction: Direction;
  /** The chain that the packets go on to. */
  readonly then: string;
}

/** First packets of flows that a rule allows, or (`then` is where an open pod's packets go) that nothing isolates. */
export function allowedChain({ name, direction, then }: AllowedFlows, audit: AuditRules): Chain {
  const record = (operation: 'add' | 'update', family: Family): Statement =>
    x.record(operation, x.fullTuple(family), recordedSet(direction, family));
  const isRecorded = (family: Family): Statement => x.inSet(x.fullTuple(family), recordedSet(direction, family));
  const rules = [
    ...families.map((family) => [isUnanswered, isRecorded(family), record('update', family), x.goto(then)].flat()),
    ...families.map((family) => [isUnanswered, record('add', family)].flat()),
    ...reportRules({ chain: name, judgedBy: 'flow', first: true }, audit).map(({ statements }) => statements),
    [x.goto(then)],
  ];
  return { name, rules: rules.map((statements) => ({ statements })) };
}

const isUnanswered: readonly Statement[] = [firstOfFlow, x.match(x.packetProtocol, 'udp')];

/** Where the packets of a pod go that no policy isolates. */
const afterOpen = { ingress: 'not-remembered', egress: 'ingress' } as const;
const allowedOpen = (direction: Direction): string => `allow-${short(direction)}-open`;

/** Of a pod that nothing isolates; where its allowed flows are recorded, by way of the chain that does it. */
export const openTarget = (direction: Direction, logsAllowed: boolean): string =>
  logsAllowed ? allowedOpen(direction) : afterOpen[direction];

/** The chains that are the same on every node. */
export const openRecordChains = (audit: AuditRules | undefined): Chain[] =>
  audit === undefined
    ? []
    : directions.map((direction) =>
        allowedChain({ name: allowedOpen(direction), direction, then: afterOpen[direction] }, audit),
      );

export type CounterScope = Direction | 'neither' | 'report';

/** What a named counter counts: packets that the log should tell of, or those of them that passed its limits. */
export function auditCounter(
  name: string,
): { readonly counts: 'wanted' | 'logged'; readonly scope: CounterScope } | undefined {
  if (name.startsWith(reportCounters.wanted)) return { counts: 'wanted', scope: 'report' };
  if (name.startsWith(reportCounters.logged)) return { counts: 'logged', scope: 'report' };
  const [, counts, rest = ''] = /^(drop|logged)-(.*)$/.exec(name) ?? [];
  if (counts === undefined) return undefined;
  const scope = /^in(-|$)/.test(rest) ? 'ingress' : /^out(-|$)/.test(rest) ? 'egress' : 'neither';
  return { counts: counts === 'drop' ? 'wanted' : 'logged', scope };
}
