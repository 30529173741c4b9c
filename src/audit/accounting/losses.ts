/** Packets that have no record: each loss is summed until a loss record of it is on disk. */
import type { Direction } from '../../model/policy.js';
import type { PacketScope } from '../../program/packet-count.js';
import type { LossCause } from '../record.js';

/** Packets of one direction and verdict. */
export interface CountedPackets {
  readonly direction?: Direction;
  /** The packets were not denied: they were allowed, or a dry run evaluated them. */
  readonly isReport?: true;
  /** `namespace/pod` or address of the only one whose packets they are, where that is known. */
  readonly sender?: string;
  /** Packets. */
  readonly count: number;
  /** When it may have begun and ended, in milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
}

export interface Loss extends CountedPackets {
  readonly cause: LossCause;
}

const mostPending = 256;

export class Losses {
  readonly #pending = new Map<string, Loss>();
  readonly #writing = new Set<Loss>();
  readonly #recorded: Record<LossCause, number> = {
    'kernel-queue': 0,
    'rate-limit': 0,
    'agg-map-full': 0,
    writer: 0,
    rotation: 0,
    'agent-down': 0,
  };

  add({ sender, ...loss }: Loss): void {
    if (loss.count <= 0) return;
    // Beyond so many, losses are summed without their senders.
    const of = this.#pending.size < mostPending && sender !== undefined ? { sender } : {};
    const key = `${loss.cause} ${scopeOf(loss)} ${loss.direction ?? ''} ${of.sender ?? ''}`;
    const { count, start, end } = this.#pending.get(key) ?? { count: 0, start: loss.start, end: loss.end };
    const sum = { count: count + loss.count, start: Math.min(start, loss.start), end: Math.max(end, loss.end) };
    this.#pending.set(key, { ...loss, ...of, ...sum });
  }

  /** The losses without a record. Call {@link recorded} for each when its line is on disk. */
  take(): readonly Loss[] {
    const losses = [...this.#pending.values()];
    this.#pending.clear();
    for (const loss of losses) this.#writing.add(loss);
    return losses;
  }

  recorded(loss: Loss): void {
    this.#writing.delete(loss);
    this.#recorded[loss.cause] += loss.count;
  }

  /** Packets of the losses that are on disk. */
  get recordedPackets(): Readonly<Record<LossCause, number>> {
    return this.#recorded;
  }

  /** Those that are not on disk yet. */
  get unrecorded(): readonly Loss[] {
    return [...this.#pending.values(), ...this.#writing];
  }
}

export const scopeOf = ({ direction, isReport }: Omit<Loss, 'sender'>): PacketScope =>
  isReport === true ? 'report' : (direction ?? 'neither');
