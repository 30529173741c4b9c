import type { LoggedPacket, PacketEndpoint } from '../attribution/logged-packet.js';
import { objectKey } from '../../model/pod.js';

/** The packets of one record. */
export interface PacketSum {
  readonly count: number;
  /** Time of the first and of the last packet, in milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

interface AggregatorOptions {
  /** How long repeats are summed, in milliseconds. */
  readonly window: number;
  /** Distinct kinds of packets at once; beyond that the sums of the oldest are handed over early. */
  readonly size: number;
  readonly onFirst: (logged: LoggedPacket, sum: PacketSum) => void;
  readonly onRepeats: (logged: LoggedPacket, sum: PacketSum) => void;
}

interface Entry {
  readonly logged: LoggedPacket;
  readonly due: number;
  repeats: PacketSum | undefined;
}

/**
 * The first packet of a kind gets its record at once. Packets that differ from it in the source port alone are summed in a
 * second record: of n packets, the first record counts 1 and the sum n - 1.
 */
export class Aggregator {
  readonly #options: AggregatorOptions;
  /** In the order in which they become due. */
  readonly #entries = new Map<string, Entry>();
  #pending = 0;

  constructor(options: AggregatorOptions) {
    this.#options = options;
  }

  /** Packets without a record yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Whether the packet would be a repeat, whose first one has a record. */
  isRepeat(logged: LoggedPacket, now: number): boolean {
    return (this.#entries.get(keyOf(logged))?.due ?? -Infinity) > now;
  }

  add(logged: LoggedPacket, now: number): void {
    const key = keyOf(logged);
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.due > now) {
      this.#addRepeat(entry, logged);
      return;
    }
    if (entry !== undefined) this.#close(key, entry);
    if (this.#entries.size >= this.#options.size) this.#closeOldest();
    this.#entries.set(key, { logged, due: now + this.#options.window, repeats: undefined });
    const { time, bytes } = logged.packet;
    this.#options.onFirst(logged, { count: 1, start: time, end: time, bytes });
  }

  /** Hands over the sums that are due at `now`; all of them without it. */
  flush(now = Infinity): void {
    for (const [key, entry] of this.#entries) {
      if (entry.due > now) return;
      this.#close(key, entry);
    }
  }

  #addRepeat(entry: Entry, { packet }: LoggedPacket): void {
    const { count, start, end, bytes } = entry.repeats ?? { count: 0, start: packet.time, end: packet.time, bytes: 0 };
    entry.repeats = {
      count: count + 1,
      start: Math.min(start, packet.time),
      end: Math.max(end, packet.time),
      bytes: bytes + packet.bytes,
    };
    this.#pending += 1;
  }

  #closeOldest(): void {
    for (const [key, entry] of this.#entries) {
      this.#close(key, entry);
      return;
    }
  }

  #close(key: string, { logged, repeats }: Entry): void {
    this.#entries.delete(key);
    if (repeats === undefined) return;
    this.#pending -= repeats.count;
    this.#options.onRepeats(logged, repeats);
  }
}

/** Direction, chain, pods and the tuple; of what a bridge sends to many, one for all of its ports. The source port counts for allowed connections only: each has its own record. */
function keyOf({ direction, verdict, mode, reason, chain, source, destination, packet }: LoggedPacket): string {
  const [at, to] = reason === 'base' ? [reason, destination.address] : [chain, nameOf(destination)];
  const what = packet.icmp === undefined ? destination.port : `${packet.icmp.type}/${packet.icmp.code}`;
  const key = [direction, at, nameOf(source), to, packet.protocol, what].join(' ');
  return verdict === 'allow' && mode === 'enforce' ? `${key} ${source.port}` : key;
}

const nameOf = ({ address, pod }: PacketEndpoint): string =>
  pod === undefined ? address : `${address} ${objectKey(pod.ref)} ${pod.uid}`;
