/** Where the last run's checkpoint cannot be read: what the kernel has counted, and no line of the log accounts for. */
import { sumOf } from '../../generic/sum-of.js';
import type { PacketCount } from '../../program/packet-count.js';
import type { Checkpoint, RecordedPackets } from './checkpoint.js';
import { CounterGrowth, packetScopes } from './counter-growth.js';
import { recordsUpTo, type LogTail } from './records-since-checkpoint.js';

export interface UnreadableCheckpoint {
  readonly isUnreadable: true;
  /** Of the file, in milliseconds since the epoch. */
  readonly time: number;
}

interface Counted extends LogTail {
  readonly readCounters: () => Promise<ReadonlyMap<string, number>>;
  readonly packetCountOf: (name: string) => PacketCount | undefined;
}

/**
 * All that the counters contain is new, but for what lines of the log account for. Lines from before the tables were made
 * count as well, so that the loss is a lower bound.
 */
export async function withoutCheckpoint(
  { time }: UnreadableCheckpoint,
  parts: Counted,
): Promise<readonly [Checkpoint, RecordedPackets]> {
  const { toLog, logged } = new CounterGrowth(parts.packetCountOf, {}).since(await parts.readCounters());
  const [ingress, egress, neither, report] = packetScopes.map((scope) => toLog[scope] - logged[scope]);
  const counted: RecordedPackets = {
    logged: sumOf(Object.values(logged), (packets) => packets),
    suppressed: { ingress: ingress ?? 0, egress: egress ?? 0, neither: neither ?? 0, report: report ?? 0 },
  };
  return [{ time, counters: {}, pending: 0, suppressed: {} }, await recordsUpTo(counted, parts)];
}
