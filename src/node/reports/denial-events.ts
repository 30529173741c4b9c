import { LRUCache } from 'lru-cache';
import {
  isDropped,
  ownEndpoint,
  type LoggedPacket,
  type PacketEndpoint,
} from '../../audit/attribution/logged-packet.js';
import { reasonMeanings } from '../../audit/reasons.js';
import type { PacketSum } from '../../audit/writing/aggregator.js';
import type { ClusterEvent } from '../../cluster/types.js';
import type { Pod } from '../../model/pod.js';
import { policyKey } from '../../model/policy.js';
import type { EventWriterParts } from './condition-events.js';
import { RateLimitedTask, writeEach } from './rate-limited-task.js';

/** Pods, directions and policies whose denials are summed. Beyond that, the least recently denied ones are counted anew. */
const mostSums = 2_000;
/** Milliseconds between two writes of one Event, and Events in one run. */
const repeatAfter = 60_000;
const mostPerRun = 10;

interface DenialSum {
  readonly pod: Pod;
  /** Of the first denial, in milliseconds since the epoch. */
  readonly first: number;
  readonly count: number;
  readonly last: { readonly denial: LoggedPacket; readonly time: number };
  /** The count in the Event, and when that was written; milliseconds of the clock. */
  readonly writtenCount: number;
  readonly writtenAt: number;
}

/**
 * Writes an Event on a pod whose traffic was denied: one for each pod, direction and set of policies, with a count that
 * grows. At most ten in ten seconds, whatever a hostile pod sends.
 */
export class DenialEvents implements AsyncDisposable {
  readonly #parts: EventWriterParts;
  readonly #task: RateLimitedTask;
  readonly #sums = new LRUCache<string, DenialSum>({ max: mostSums });

  constructor(parts: EventWriterParts) {
    this.#parts = parts;
    const task = (signal: AbortSignal): Promise<void> => this.#write(signal);
    this.#task = new RateLimitedTask({ ...parts, what: 'Event', minInterval: 10_000, maxInterval: 30_000, task });
  }

  denied(denial: LoggedPacket, { count, start, end }: PacketSum): void {
    const { pod } = ownEndpoint(denial);
    if (pod === undefined || !isDropped(denial)) return;
    const key = `${pod.uid} ${identityOf(denial)}`;
    const before = this.#sums.get(key);
    this.#sums.set(key, {
      pod,
      first: before?.first ?? start,
      count: (before?.count ?? 0) + count,
      last: { denial, time: end },
      writtenCount: before?.writtenCount ?? 0,
      writtenAt: before?.writtenAt ?? -Infinity,
    });
    this.#task.changed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#task[Symbol.asyncDispose]();
  }

  async #write(signal: AbortSignal): Promise<void> {
    const now = this.#parts.clock.now();
    // The cache lists the most recently used first; here the one that has waited longest comes first.
    const due = [...this.#sums]
      .reverse()
      .filter(([, { count, writtenCount, writtenAt }]) => count > writtenCount && now - writtenAt >= repeatAfter);
    if (due.length > mostPerRun) this.#task.changed();
    await writeEach(due.slice(0, mostPerRun), async ([key, sum]) => {
      const latest = (): DenialSum => this.#sums.get(key) ?? sum;
      // Before the write: if it fails, the next turn of this Event comes after those of the others.
      this.#sums.set(key, { ...latest(), writtenAt: now });
      await this.#parts.write(eventOf(sum), signal);
      this.#sums.set(key, { ...latest(), writtenCount: sum.count });
    });
  }
}

const otherEndpoint = ({ direction, source, destination }: LoggedPacket): PacketEndpoint =>
  direction === 'ingress' ? source : destination;

const identityOf = ({ direction, reason, isolating }: LoggedPacket): string =>
  [direction, reason, ...isolating.map(policyKey)].join(' ');

function eventOf({ pod, first, count, last: { denial, time } }: DenialSum): ClusterEvent {
  const { direction, reason, isolating, destination } = denial;
  const by =
    isolating.length === 0
      ? `dropped (${reason}: ${reasonMeanings[reason].text})`
      : `denied by ${isolating.map(policyKey).join(', ')}`;
  const port = destination.port === undefined ? '' : `, port ${destination.port}`;
  const other = `${direction === 'ingress' ? 'from' : 'to'} ${nameOf(otherEndpoint(denial))}`;
  return {
    object: { kind: 'Pod', ...pod.ref, uid: pod.uid },
    type: 'Warning',
    reason: 'NetworkPolicyDenied',
    message: `${direction} ${by}; the last ${other}${port}`,
    repeated: { identity: identityOf(denial), count, first, last: time },
  };
}

const nameOf = ({ pod, address }: PacketEndpoint): string =>
  pod === undefined ? address : `${pod.ref.namespace}/${pod.ref.name} (${address})`;
