import { LRUCache } from 'lru-cache';
import type { PacketSum } from '../../audit/writing/aggregator.js';
import { isDropped, type PacketEndpoint, type LoggedPacket } from '../../audit/attribution/logged-packet.js';
import type { ClusterEvent } from '../../cluster/types.js';
import type { Pod } from '../../model/pod.js';
import { policyKey } from '../../model/policy.js';
import type { EventWriterParts } from './condition-events.js';
import { RateLimitedTask, writeEach } from './rate-limited-task.js';

/** Pods, directions and policies whose denials are summed; of more, those that were quiet longest begin anew. */
const mostSums = 2_000;
/** Milliseconds between two writes of one event, and how many are written in a run. */
const againAfter = 60_000;
const mostPerRun = 10;

interface Sum {
  readonly pod: Pod;
  readonly first: number;
  readonly count: number;
  readonly last: { readonly denial: LoggedPacket; readonly time: number };
  /** How many of them the event tells, and when it was written last. */
  readonly told: number;
  readonly toldAt: number;
}

/**
 * Tells the owner of a pod that its traffic was denied: one Event for each pod, direction and set of policies, whose
 * count grows. Ten in ten seconds at most, whatever a hostile pod sends.
 */
export class DenialEvents implements AsyncDisposable {
  readonly #parts: EventWriterParts;
  readonly #pace: RateLimitedTask;
  readonly #sums = new LRUCache<string, Sum>({ max: mostSums });

  constructor(parts: EventWriterParts) {
    this.#parts = parts;
    const task = (signal: AbortSignal): Promise<void> => this.#tell(signal);
    this.#pace = new RateLimitedTask({ ...parts, what: 'Event', least: 10_000, most: 30_000, task });
  }

  denied(denial: LoggedPacket, { count, start, end }: PacketSum): void {
    const { pod } = judgedEnd(denial);
    if (pod === undefined || !isDropped(denial)) return;
    const key = `${pod.uid} ${identityOf(denial)}`;
    const before = this.#sums.get(key);
    this.#sums.set(key, {
      pod,
      first: before?.first ?? start,
      count: (before?.count ?? 0) + count,
      last: { denial, time: end },
      told: before?.told ?? 0,
      toldAt: before?.toldAt ?? -Infinity,
    });
    this.#pace.changed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pace[Symbol.asyncDispose]();
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const now = this.#parts.clock.now();
    // The cache lists what was used last first; who waits longest comes first here.
    const due = [...this.#sums]
      .reverse()
      .filter(([, { count, told, toldAt }]) => count > told && now - toldAt >= againAfter);
    if (due.length > mostPerRun) this.#pace.changed();
    await writeEach(due.slice(0, mostPerRun), async ([key, sum]) => {
      const latest = (): Sum => this.#sums.get(key) ?? sum;
      // Before it is written: where that fails, its turn comes again after the others'.
      this.#sums.set(key, { ...latest(), toldAt: now });
      await this.#parts.write(eventOf(sum), signal);
      this.#sums.set(key, { ...latest(), told: sum.count });
    });
  }
}

/** The end whose policies judged: traffic into a pod is its destination's. */
const judgedEnd = ({ direction, source, destination }: LoggedPacket): PacketEndpoint =>
  direction === 'ingress' ? destination : source;
const otherEnd = ({ direction, source, destination }: LoggedPacket): PacketEndpoint =>
  direction === 'ingress' ? source : destination;

const identityOf = ({ direction, reason, isolating }: LoggedPacket): string =>
  [direction, reason, ...isolating.map(policyKey)].join(' ');

function eventOf({ pod, first, count, last: { denial, time } }: Sum): ClusterEvent {
  const { direction, reason, isolating, destination } = denial;
  const by = isolating.length === 0 ? `dropped (${reason})` : `denied by ${isolating.map(policyKey).join(', ')}`;
  const port = destination.port === undefined ? '' : `, port ${destination.port}`;
  const other = `${direction === 'ingress' ? 'from' : 'to'} ${nameOf(otherEnd(denial))}`;
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
