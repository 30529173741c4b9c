/**
 * Packets that the audit log tells of and that go on as they were going: what a dry run would judge otherwise, and the
 * first packets of allowed flows. None of these chains accepts or drops anything.
 */
import { families, type Family } from '../model/address.js';
import { directions, type Direction } from '../model/policy.js';
import { short } from './directions.js';
import * as x from './expressions.js';
import { addressType, digit } from './key-types.js';
import { firstOfFlow, logRules, pairSets, type AuditRules, type Logged } from './log-rules.js';
import type { Chain, KeyType, NftSet, Rule, Statement } from './types.js';

/** Packets that the log should tell of, and those of them that passed its limits. */
export const reportCounters = { wanted: 'to-report', logged: 'logged-report' } as const;

/** Relations that a dry run of this direction has told of lately. */
const reportedSet = (direction: Direction, family: Family): string => `reported-${short(direction)}${digit(family)}`;
/** Addresses of pods whose allowed flows are told of. */
export const loggedPodsSet = (family: Family): string => `logged-pods${digit(family)}`;

/** A relation is told of again after this long: as often as the log sums what is denied again and again. */
const reported = { timeoutSeconds: 5, size: 65_536 };

/** Sets and counters that log rules need; nothing when nothing is logged. */
export function auditObjects(audit: AuditRules | undefined): {
  readonly sets: readonly NftSet[];
  readonly counters: readonly string[];
} {
  if (audit === undefined) return { sets: [], counters: [] };
  const set = (name: string, type: readonly KeyType[]): NftSet => ({
    name,
    type,
    verdicts: false,
    interval: false,
    elements: new Map(),
  });
  return {
    counters: ['logged-in', 'logged-out', 'logged-other', ...Object.values(reportCounters)],
    sets: [
      ...pairSets(audit),
      ...families.flatMap((family) => {
        const address = addressType(family);
        return [
          ...directions.map((direction) => ({
            ...set(reportedSet(direction, family), [address, address, 'inet_proto', 'inet_service']),
            dynamic: reported,
          })),
          set(loggedPodsSet(family), [address]),
        ];
      }),
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

/** Tells of a relation once in a while: it is not remembered by the cache while it is known to be told of. */
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

/** First packets of flows that a rule allows, or (`then` is where an open pod's packets go) that nothing isolates. */
export const allowedChain = (name: string, then: string, audit: AuditRules): Chain => ({
  name,
  rules: [...reportRules({ chain: name, judgedBy: 'flow', first: true }, audit), { statements: [x.goto(then)] }],
});

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
    : directions.map((direction) => allowedChain(allowedOpen(direction), afterOpen[direction], audit));

/** Accepts what must meet the log rules again, instead of remembering it. */
export const notRemembered = (audit: AuditRules | undefined): Rule[] =>
  audit === undefined
    ? []
    : families.flatMap((family) => [
        ...[x.client(family), x.server(family)].map((address) => ({
          statements: [x.inSet(address, loggedPodsSet(family)), x.count('judged'), x.accept],
        })),
        ...directions.map((direction) => ({
          statements: [...isReported(direction, family), x.count('judged'), x.accept],
        })),
      ]);

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
