/**
 * How packets reach the audit log: those that were denied, and those that are reported and go on. A pair of addresses that
 * is known has a limit of its own. The first packets of pairs, and all packets of pairs that found no room, count against
 * the limit of their sender (a device and a source address), and those of senders that found no room against that of their
 * device, which no packet can fill: nobody who sends to many addresses, or from many, silences others. NFLOG does not deliver
 * a flow's tuple: the prefix says whether source and destination of the packet are the flow's or swapped.
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
  /** Packets a second of one sender's pairs that have no limit of their own yet. */
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
/** Senders and devices with a limit of their own; after this long without a new pair they give their places up. */
const [mostSenders, mostDevices, senderTimeoutSeconds] = [16_384, 16_384, 10];

/** Each element keeps the limit that it was made with: another limit is another set. */
const pairSet = (family: Family, { pairRate, pairBurst }: AuditRules): string =>
  sets.nameOf({ kind: 'log-pairs', family, rate: pairRate, burst: pairBurst });

const senderSet = (family: Family, { sharedRate }: AuditRules): string =>
  sets.nameOf({ kind: 'log-senders', family, rate: sharedRate });
const deviceSet = ({ sharedRate }: AuditRules): string => sets.nameOf({ kind: 'log-devices', rate: sharedRate });

export const logTo = (chain: string, orientation: Orientation, { group }: AuditRules): Statement =>
  x.log(logPrefix(chain, orientation), { group, snaplen, queueThreshold });

/** Packets of a flow that has seen no answer. */
export const firstOfFlow = x.flowState('new');

export function logRules({ chain, counter, evaluatedBy, first }: Logged, audit: AuditRules): Rule[] {
  const ways: readonly Orientation[] = first === true ? ['original'] : ['original', 'reply'];
  const orientations: readonly Orientation[] = evaluatedBy === 'flow' ? ways : ['packet'];
  const perPair = x.limit(audit.pairRate, audit.pairBurst);
  const perSender = x.limit(audit.sharedRate, audit.sharedRate);
  return families.flatMap((family) => {
    const pair = evaluatedBy === 'flow' ? flowPair(family) : packetPair(family);
    const sender = x.concat(x.packetDevice, x.packetAddress(family, 'saddr'));
    const [pairs, senders, devices] = [pairSet(family, audit), senderSet(family, audit), deviceSet(audit)];
    return orientations.flatMap((orientation) => {
      const log = [x.count(counter), logTo(chain, orientation, audit)];
      const which = [
        ...(first === true ? [firstOfFlow] : []),
        ...(orientation === 'packet' ? [] : [x.flowDirection(orientation)]),
      ];
      const isNew = [...which, x.notInSet(pair, pairs)];
      return [
        { statements: [...which, x.inSet(pair, pairs), x.recordLimited(pair, pairs, perPair), ...log] },
        // The pair comes last: without room for it the rule ends there.
        {
          statements: [
            ...isNew,
            x.recordLimited(sender, senders, perSender),
            ...log,
            x.recordLimited(pair, pairs, perPair),
          ],
        },
        {
          statements: [
            ...isNew,
            x.notInSet(sender, senders),
            x.recordLimited(x.packetDevice, devices, perSender),
            ...log,
          ],
        },
      ];
    });
  });
}

const flowPair = (family: Family): x.Expression => x.concat(x.client(family), x.server(family));
const packetPair = (family: Family): x.Expression =>
  x.concat(x.packetAddress(family, 'saddr'), x.packetAddress(family, 'daddr'));

/** Limits by pair and by sender, one set a family each, and by device. */
export const limitSets = (audit: AuditRules): NftSet[] => [
  ...families.flatMap((family) => [
    {
      ...emptySet(pairSet(family, audit), [addressType(family), addressType(family)]),
      dynamic: { timeoutSeconds: pairTimeoutSeconds, size: audit.pairs },
    },
    {
      ...emptySet(senderSet(family, audit), ['iface_index', addressType(family)]),
      dynamic: { timeoutSeconds: senderTimeoutSeconds, size: mostSenders },
    },
  ]),
  {
    ...emptySet(deviceSet(audit), ['iface_index']),
    dynamic: { timeoutSeconds: senderTimeoutSeconds, size: mostDevices },
  },
];
