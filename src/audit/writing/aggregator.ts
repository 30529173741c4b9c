import { objectKey } from '../../model/pod.js';
import type { PacketEndpoint, LoggedPacket } from '../attribution/logged-packet.js';

/** Packets that one record speaks of. */
export interface PacketSum {
  readonly count: number;
  /** Of the first and the last, in milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

export interface AggregatorOptions {
  /** How long repeats are summed, in milliseconds. */
  readonly window: number;
  /** Distinct kinds of packets at once. */
  readonly size: number;
  readonly onFirst: (judged: LoggedPacket, counted: PacketSum) => void;
  readonly onRepeats: (judged: LoggedPacket, counted: PacketSum) => void;
  /** There was no room to remember it. */
  readonly onFull: (judged: LoggedPacket) => void;
}

interface Entry {
  readonly judged: LoggedPacket;
  readonly due: number;
  repeats: PacketSum | undefined;
}

/**
 * The first packet of a kind is told at once; those like it but for the source port are summed. The first record counts 1,
 * the sum of n packets n - 1.
 */
export class Aggregator {
  readonly #options: AggregatorOptions;
  /** In the order in which they become due. */
  readonly #entries = new Map<string, Entry>();
  #pending = 0;

  constructor(options: AggregatorOptions) {
    this.#options = options;
  }

  /** Packets that no record speaks of yet. */
  get pending(): number {
    return this.#pending;
  }

  add(judged: LoggedPacket, now: number): void {
    const key = keyOf(judged);
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.due > now) {
      this.#repeat(entry, judged);
      return;
    }
    if (entry !== undefined) this.#end(key, entry);
    if (this.#entries.size >= this.#options.size) {
      this.#options.onFull(judged);
      return;
    }
    this.#entries.set(key, { judged, due: now + this.#options.window, repeats: undefined });
    const { time, bytes } = judged.packet;
    this.#options.onFirst(judged, { count: 1, start: time, end: time, bytes });
  }

  /** Tells the sums whose time is over; all of them without a time. */
  flush(now = Infinity): void {
    for (const [key, entry] of this.#entries) {
      if (entry.due > now) return;
      this.#end(key, entry);
    }
  }

  #repeat(entry: Entry, { packet }: LoggedPacket): void {
    const { count, start, end, bytes } = entry.repeats ?? { count: 0, start: packet.time, end: packet.time, bytes: 0 };
    entry.repeats = {
      count: count + 1,
      start: Math.min(start, packet.time),
      end: Math.max(end, packet.time),
      bytes: bytes + packet.bytes,
    };
    this.#pending += 1;
  }

  #end(key: string, { judged, repeats }: Entry): void {
    this.#entries.delete(key);
    if (repeats === undefined) return;
    this.#pending -= repeats.count;
    this.#options.onRepeats(judged, repeats);
  }
}

/** Direction, chain, pods, and the tuple; without the source port, but for what is allowed: each connection is told. */
function keyOf({ direction, verdict, mode, chain, source, destination, packet }: LoggedPacket): string {
  const what = packet.icmp === undefined ? destination.port : `${packet.icmp.type}/${packet.icmp.code}`;
  const key = [direction, chain, nameOf(source), nameOf(destination), packet.protocol, what].join(' ');
  return verdict === 'allow' && mode === 'enforce' ? `${key} ${source.port}` : key;
}

const nameOf = ({ address, pod }: PacketEndpoint): string =>
  pod === undefined ? address : `${address} ${objectKey(pod.ref)} ${pod.uid}`;
