/**
 * How packets reach the audit log: those that were denied, and those that are reported and go on. Logged is what a limit
 * per pair of addresses lets through; pairs that found no room in the set of limits share one limit, so that a scanner of
 * many addresses cannot silence the others. NFLOG does not deliver a flow's tuple: the prefix says whether source and
 * destination of the packet are the flow's or swapped.
 */
import { families, type Family } from '../../model/address.js';
import { directions, type Direction } from '../../model/policy.js';
import { emptySet } from '../language/empty-set.js';
import * as x from '../language/expressions.js';
import { addressType } from '../language/key-types.js';
import type { NftSet, Rule, Statement } from '../language/types.js';
import { counters } from '../names/counters.js';
import { logPrefix, type Orientation } from '../names/log-prefix.js';
import { sets } from '../names/sets.js';

export interface AuditRules {
  /** NFLOG group; a group has one reader. */
  readonly group: number;
  /** Packets a second that are logged for one pair of addresses, and how many at once. */
  readonly pairRate: number;
  readonly pairBurst: number;
  /** Pairs that have a limit of their own. */
  readonly pairs: number;
  /** Packets a second that all other pairs share. */
  readonly sharedRate: number;
}

/** One kind of packets that are logged. */
export interface Logged {
  /** In the prefix: what the reader of the log knows of the packet. */
  readonly chain: string;
  /** Counts those that were logged. */
  readonly counter: string;
  readonly evaluatedBy: 'flow' | 'packet';
  /** Only a flow's first packets, which its client sent. */
  readonly first?: true;
}

type LoggedScope = Direction | 'neither';

/** Of denied packets that passed the limits, by the direction that was evaluated. */
export const loggedCounter = (scope: LoggedScope): string => counters.nameOf({ kind: 'logged', scope });
export const loggedCounters: readonly string[] = ([...directions, 'neither'] as const).map(loggedCounter);

/** Headers only: 60 of IP and 60 of TCP at most. */
const snaplen = 128;
/** Packets that the kernel sends in one message. */
const queueThreshold = 16;
/** After this long without a denied packet a pair gives its place up. */
const pairTimeoutSeconds = 60;

/** Each element keeps the limit that it was made with: another limit is another set. */
const pairSet = (family: Family, { pairRate, pairBurst }: AuditRules): string =>
  sets.nameOf({ kind: 'log-pairs', family, rate: pairRate, burst: pairBurst });

export const logTo = (chain: string, orientation: Orientation, { group }: AuditRules): Statement =>
  x.log(logPrefix(chain, orientation), { group, snaplen, queueThreshold });

/** Packets of a flow that has seen no answer. */
export const firstOfFlow = x.flowState('new');

export function logRules({ chain, counter, evaluatedBy, first }: Logged, audit: AuditRules): Rule[] {
  const ways: readonly Orientation[] = first === true ? ['original'] : ['original', 'reply'];
  const orientations: readonly Orientation[] = evaluatedBy === 'flow' ? ways : ['packet'];
  return families.flatMap((family) => {
    const pair = evaluatedBy === 'flow' ? flowPair(family) : packetPair(family);
    return orientations.flatMap((orientation) => {
      const log = [x.count(counter), logTo(chain, orientation, audit)];
      const which = [
        ...(first === true ? [firstOfFlow] : []),
        ...(orientation === 'packet' ? [] : [x.flowDirection(orientation)]),
      ];
      const limited = x.recordLimited(pair, pairSet(family, audit), x.limit(audit.pairRate, audit.pairBurst));
      const rest: Statement[] = [x.notInSet(pair, pairSet(family, audit)), x.limit(audit.sharedRate, audit.sharedRate)];
      return [{ statements: [...which, limited, ...log] }, { statements: [...which, ...rest, ...log] }];
    });
  });
}

const flowPair = (family: Family): x.Expression => x.concat(x.client(family), x.server(family));
const packetPair = (family: Family): x.Expression =>
  x.concat(x.packetAddress(family, 'saddr'), x.packetAddress(family, 'daddr'));

/** Limits by pair, one set a family. */
export const pairSets = (audit: AuditRules): NftSet[] =>
  families.map((family) => ({
    ...emptySet(pairSet(family, audit), [addressType(family), addressType(family)]),
    dynamic: { timeoutSeconds: pairTimeoutSeconds, size: audit.pairs },
  }));
