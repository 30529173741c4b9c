/**
 * Frames that a bridge sends to many are denied at each port by itself, and logged there. A frame counts once: the packets
 * of one tuple are as many as the port that saw most of them has seen.
 */
import { LRUCache } from 'lru-cache';
import type { LoggedPacket } from '../attribution/logged-packet.js';

/** Milliseconds without such a frame after which its ports are counted anew: its copies arrive together. */
const idle = 1000;
const mostTuples = 1024;

interface Ports {
  readonly packets: Map<string, number>;
  most: number;
}

export class FrameCopies {
  readonly #tuples: LRUCache<string, Ports>;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#tuples = new LRUCache({ max: mostTuples, ttl: idle, ttlResolution: 0, updateAgeOnGet: true, perf: { now } });
  }

  /** Whether the packet is of a frame that another port has shown. */
  isCopy({ reason, chain, packet }: LoggedPacket): boolean {
    if (reason !== 'base') return false;
    const { source, destination, protocol, ports, icmp, bytes } = packet;
    const tuple = [source, destination, protocol, ports?.source, ports?.destination, icmp?.type, bytes].join(' ');
    let seen = this.#tuples.get(tuple);
    if (seen === undefined) this.#tuples.set(tuple, (seen = { packets: new Map(), most: 0 }));
    const packets = (seen.packets.get(chain) ?? 0) + 1;
    seen.packets.set(chain, packets);
    if (packets <= seen.most) return true;
    seen.most = packets;
    return false;
  }
}
