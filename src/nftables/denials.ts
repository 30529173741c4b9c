/**
 * Where denied packets end: one chain for every reason, reached by `goto`. It counts the packet, logs it when denials
 * are audited, and drops it. The name tells the reader of the log what denied it, so it must not change when a policy's
 * rules do.
 *
 * Logged is what a limit per pair of addresses lets through; pairs that found no room in the set of limits share one
 * limit, so that a scanner of many addresses cannot silence the others. NFLOG does not deliver a flow's tuple: the
 * prefix says whether source and destination of the packet are the flow's or swapped.
 */
import { families, type Family } from '../model/address.js';
import * as x from './expressions.js';
import { addressType } from './key-types.js';
import type { Chain, NftSet, Rule, Statement } from './types.js';

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

export interface Denial {
  readonly name: string;
  /** Of every packet that is denied here. */
  readonly dropped: string;
  /** Of those that were logged. */
  readonly logged: string;
  readonly judgedBy: 'flow' | 'packet';
  readonly comment?: string;
}

export const loggedCounters = { ingress: 'logged-in', egress: 'logged-out', neither: 'logged-other' } as const;

/** Headers only: 60 of IP and 60 of TCP at most. */
const snaplen = 128;
/** Packets that the kernel sends in one message. */
const queueThreshold = 16;
/** After this long without a denied packet a pair gives its place up. */
const pairTimeoutSeconds = 60;

/** Each element keeps the limit that it was made with: another limit is another set. */
const pairSet = (family: Family, { pairRate, pairBurst }: AuditRules): string =>
  `log-pairs${family === 'IPv4' ? '4' : '6'}-${pairRate}-${pairBurst}`;

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

export type DenialScope = keyof typeof loggedCounters;

/** What a named counter counts: packets that were denied, or those of them that passed the limits of the log. */
export function denialCounter(
  name: string,
): { readonly counts: 'dropped' | 'logged'; readonly scope: DenialScope } | undefined {
  const [, counts, rest = ''] = /^(drop|logged)-(.*)$/.exec(name) ?? [];
  if (counts === undefined) return undefined;
  const scope = /^in(-|$)/.test(rest) ? 'ingress' : /^out(-|$)/.test(rest) ? 'egress' : 'neither';
  return { counts: counts === 'drop' ? 'dropped' : 'logged', scope };
}

export function denialChain(denial: Denial, audit: AuditRules | undefined): Chain {
  const { name, dropped, comment } = denial;
  return {
    name,
    rules: [
      { statements: [x.count(dropped)] },
      ...(audit === undefined ? [] : logRules(denial, audit)),
      { statements: [x.drop], ...(comment === undefined ? {} : { comment }) },
    ],
  };
}

function logRules({ name, logged, judgedBy }: Denial, audit: AuditRules): Rule[] {
  const orientations: readonly Orientation[] = judgedBy === 'flow' ? ['original', 'reply'] : ['packet'];
  return families.flatMap((family) => {
    const pair = judgedBy === 'flow' ? flowPair(family) : packetPair(family);
    return orientations.flatMap((orientation) => {
      const log = [x.count(logged), logTo(name, orientation, audit)];
      const which = orientation === 'packet' ? [] : [x.flowDirection(orientation)];
      const limited = x.recordLimited(pair, pairSet(family, audit), x.limit(audit.pairRate, audit.pairBurst));
      const rest: Statement[] = [x.notInSet(pair, pairSet(family, audit)), x.limit(audit.sharedRate, audit.sharedRate)];
      return [{ statements: [...which, limited, ...log] }, { statements: [...which, ...rest, ...log] }];
    });
  });
}

const flowPair = (family: Family): x.Expression => x.concat(x.client(family), x.server(family));
const packetPair = (family: Family): x.Expression =>
  x.concat(x.packetAddress(family, 'saddr'), x.packetAddress(family, 'daddr'));

/** Denials that are not any policy's; the chain is `deny-` and the name. */
const skeletonDenials = {
  'mid-stream': 'flow',
  'picked-full': 'flow',
  'no-entry': 'packet',
  error: 'packet',
  'unknown-pod': 'flow',
  'unknown-pod-packet': 'packet',
} as const;
export type SkeletonDenial = keyof typeof skeletonDenials;

export const deny = (reason: SkeletonDenial): Statement => x.goto(`deny-${reason}`);

export const skeletonDrops: readonly string[] = Object.keys(skeletonDenials).map((reason) => `drop-${reason}`);

export const skeletonDenialChains = (audit: AuditRules | undefined): Chain[] =>
  Object.entries(skeletonDenials).map(([reason, judgedBy]) =>
    denialChain({ name: `deny-${reason}`, dropped: `drop-${reason}`, logged: loggedCounters.neither, judgedBy }, audit),
  );

/** Nothing when denials are not logged. */
export function auditObjects(audit: AuditRules | undefined): { sets: readonly NftSet[]; counters: readonly string[] } {
  if (audit === undefined) return { sets: [], counters: [] };
  return {
    counters: Object.values(loggedCounters),
    sets: families.map((family) => ({
      name: pairSet(family, audit),
      type: [addressType(family), addressType(family)],
      verdicts: false,
      interval: false,
      dynamic: { timeoutSeconds: pairTimeoutSeconds, size: audit.pairs },
      elements: new Map(),
    })),
  };
}
