/**
 * Packets that the audit log reports and that go on as they were going: what a dry run would decide otherwise, and the
 * first packets of allowed flows. None of these chains accepts or drops anything.
 */
import { families, type Family } from '../../model/address.js';
import { directions, type Direction } from '../../model/policy.js';
import { emptySet } from '../language/empty-set.js';
import * as x from '../language/expressions.js';
import { addressType } from '../language/key-types.js';
import type { Chain, NftSet, Rule, Statement } from '../language/types.js';
import { chains, type SkeletonChain } from '../names/chains.js';
import { counters } from '../names/counters.js';
import { setName } from '../names/sets.js';
import { firstOfFlow, loggedCounters, logRules, limitSets, type AuditRules, type Logged } from './log-rules.js';

/** Packets that the log should report, and those of them that passed its limits. */
const toReport = counters.nameOf({ kind: 'to-report' });
const loggedReport = counters.nameOf({ kind: 'logged-report' });

/** As long as conntrack keeps such a flow: a later packet is another flow's. */
const recorded = { timeoutSeconds: 30, size: 65_536 };

/** A relation is reported again after this long: as often as the log sums what is denied again and again. */
const reported = { timeoutSeconds: 5, size: 65_536 };

/** Sets and counters that log rules need; nothing when nothing is logged. */
export function auditObjects(audit: AuditRules | undefined): {
  readonly sets: readonly NftSet[];
  readonly counters: readonly string[];
} {
  if (audit === undefined) return { sets: [], counters: [] };
  return {
    counters: [...loggedCounters, toReport, loggedReport],
    sets: [
      ...limitSets(audit),
      ...families.flatMap((family) =>
        directions.flatMap((direction) => {
          const address = addressType(family);
          return [
            {
              ...emptySet(setName.dryRunReported(direction, family), [address, address, 'inet_proto', 'inet_service']),
              dynamic: reported,
            },
            {
              ...emptySet(setName.allowRecorded(direction, family), [address, 'inet_service', address, 'inet_service']),
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
  { statements: [...(logged.first === true ? [firstOfFlow] : []), x.count(toReport)] },
  ...logRules({ ...logged, counter: loggedReport }, audit),
];

const relationOf = (family: Family): readonly Statement[] => [x.ofFamily(family), x.flowHasPorts];
const isReported = (direction: Direction, family: Family): readonly Statement[] => [
  ...relationOf(family),
  x.inSet(x.relation(family, x.flowProtocol), setName.dryRunReported(direction, family)),
];

interface DryRunReport {
  /** Of the chain, and of the counter of every packet that a dry run would decide otherwise. */
  readonly name: string;
  readonly direction: Direction;
  /** How the packet goes on. */
  readonly then: Statement;
  /** Of the chain, and of the rule that counts. */
  readonly title: string;
}

/** Reports a relation once in a while; its pods are in `uncached` sets, so that the cache does not hold it. */
export function dryRunChain({ name, direction, then, title }: DryRunReport, audit: AuditRules | undefined): Chain {
  const reporting = (to: AuditRules): Rule[] => [
    ...families.map((family) => ({ statements: [...isReported(direction, family), then] })),
    ...families.map((family) => ({
      statements: [
        ...relationOf(family),
        x.record('add', x.relation(family, x.flowProtocol), setName.dryRunReported(direction, family)),
      ],
    })),
    ...reportRules({ chain: name, evaluatedBy: 'flow' }, to),
  ];
  return {
    name,
    title,
    rules: [
      { statements: [x.count(name)], comment: title },
      ...(audit === undefined ? [] : reporting(audit)),
      { statements: [then] },
    ],
  };
}

interface AllowedFlows {
  /** Of the chain. */
  readonly name: string;
  /** What allows them. */
  readonly by: string;
  readonly direction: Direction;
  /** The chain that the packets go on to. */
  readonly then: string;
}

/** First packets of flows that a rule allows, or (`then` is where such a pod's packets go) that nothing isolates. */
export function allowedChain({ name, by, direction, then }: AllowedFlows, audit: AuditRules): Chain {
  const record = (operation: 'add' | 'update', family: Family): Statement =>
    x.record(operation, x.fullTuple(family), setName.allowRecorded(direction, family));
  const isRecorded = (family: Family): Statement =>
    x.inSet(x.fullTuple(family), setName.allowRecorded(direction, family));
  const rules = [
    ...families.map((family) => [isUnanswered, isRecorded(family), record('update', family), x.goto(then)].flat()),
    ...families.map((family) => [isUnanswered, record('add', family)].flat()),
    ...reportRules({ chain: name, evaluatedBy: 'flow', first: true }, audit).map(({ statements }) => statements),
    [x.goto(then)],
  ];
  const title = `${by}: first packets of flows, for the audit log`;
  return { name, title, rules: rules.map((statements) => ({ statements })) };
}

const isUnanswered: readonly Statement[] = [firstOfFlow, x.match(x.packetProtocol, 'udp')];

/** Where the packets of a pod go that no policy isolates. */
const afterNotIsolated = { ingress: 'allow-uncached', egress: 'ingress' } as const satisfies Record<
  Direction,
  SkeletonChain
>;

/** The same, by way of the chain that records its allowed flows where they are recorded. */
export const notIsolatedTarget = (direction: Direction, logsAllowed: boolean): string =>
  logsAllowed ? chains.nameOf({ kind: 'allow-not-isolated', direction }) : afterNotIsolated[direction];

/** The chains that are the same on every node. */
export const notIsolatedRecordChains = (audit: AuditRules | undefined): Chain[] =>
  audit === undefined
    ? []
    : directions.map((direction) => {
        const name = notIsolatedTarget(direction, true);
        const by = `what no policy isolates for ${direction}`;
        return allowedChain({ name, by, direction, then: afterNotIsolated[direction] }, audit);
      });
