/**
 * How packets reach the audit log: those that were denied, and those that are told of and go on. Logged is what a limit
 * per pair of addresses lets through; pairs that found no room in the set of limits share one limit, so that a scanner of
 * many addresses cannot silence the others. NFLOG does not deliver a flow's tuple: the prefix says whether source and
 * destination of the packet are the flow's or swapped.
 */
import { families, type Family } from '../../model/address.js';
import { emptySet } from '../language/empty-set.js';
import * as x from '../language/expressions.js';
import { addressType, digit } from '../language/key-types.js';
import type { NftSet, Rule, Statement } from '../language/types.js';

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

/** `packet`: judged by its header, since it has no flow of its own to name. */
export type Orientation = 'original' | 'reply' | 'packet';

/** One kind of packets that are logged. */
export interface Logged {
  /** In the prefix: what the reader of the log knows of the packet. */
  readonly chain: string;
  /** Counts those that were logged. */
  readonly counter: string;
  readonly judgedBy: 'flow' | 'packet';
  /** Only a flow's first packets, which its client sent. */
  readonly first?: true;
}

/** Of denied packets that passed the limits, by the direction that was judged. */
export const loggedCounters = { ingress: 'logged-in', egress: 'logged-out', neither: 'logged-other' } as const;

/** Headers only: 60 of IP and 60 of TCP at most. */
const snaplen = 128;
/** Packets that the kernel sends in one message. */
const queueThreshold = 16;
/** After this long without a denied packet a pair gives its place up. */
const pairTimeoutSeconds = 60;

/** Each element keeps the limit that it was made with: another limit is another set. */
const pairSet = (family: Family, { pairRate, pairBurst }: AuditRules): string =>
  `log-pairs${digit(family)}-${pairRate}-${pairBurst}`;

const logPrefix = (chain: string, orientation: Orientation): string => `podwall ${chain} ${orientation}`;

export const logTo = (chain: string, orientation: Orientation, { group }: AuditRules): Statement =>
  x.log(logPrefix(chain, orientation), { group, snaplen, queueThreshold });

/** The inverse of {@link logPrefix}; undefined for what others wrote. */
export function parseLogPrefix(
  text: string,
): { readonly chain: string; readonly orientation: Orientation } | undefined {
  const [, chain, orientation] = /^podwall (\S+) (original|reply|packet)$/.exec(text) ?? [];
  return chain === undefined ? undefined : { chain, orientation: orientation as Orientation };
}

/** Packets of a flow that has seen no answer. */
export const firstOfFlow = x.flowState('new');

export function logRules({ chain, counter, judgedBy, first }: Logged, audit: AuditRules): Rule[] {
  const ways: readonly Orientation[] = first === true ? ['original'] : ['original', 'reply'];
  const orientations: readonly Orientation[] = judgedBy === 'flow' ? ways : ['packet'];
  return families.flatMap((family) => {
    const pair = judgedBy === 'flow' ? flowPair(family) : packetPair(family);
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
