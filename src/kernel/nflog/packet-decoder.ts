/** From datagrams to observations, with what the kernel could not send counted by the gaps in its numbering. */
import { LRUCache } from 'lru-cache';
import type { Observation, ObservedBatch } from '../../model/observation.js';
import { decodeDatagram, type NflogPacket } from './netlink-messages.js';
import { parseHeaders } from './packet-headers.js';

/** Milliseconds: a device may be renamed; its index is not reused soon. */
const nameKept = 1000;

export class PacketDecoder {
  readonly #deviceName: (ifindex: number) => string | undefined;
  readonly #now: () => number;
  readonly #names = new LRUCache<number, string>({ max: 4096, ttl: nameKept });
  #next: number | undefined;
  #lastTime: number | undefined;
  #observations: Observation[] = [];
  #missed: ObservedBatch['missed'];
  #unreadable = 0;

  constructor(deviceName: (ifindex: number) => string | undefined, now: () => number) {
    this.#deviceName = deviceName;
    this.#now = now;
  }

  /** Time of the newest packet. */
  get lastTime(): number | undefined {
    return this.#lastTime;
  }

  get waiting(): number {
    return this.#observations.length;
  }

  add(datagram: Buffer): void {
    for (const packet of decodeDatagram(datagram).packets) this.#addPacket(packet);
  }

  /** What was added since the last call; undefined for nothing. */
  take(): ObservedBatch | undefined {
    if (this.#observations.length === 0 && this.#missed === undefined && this.#unreadable === 0) return undefined;
    const batch = {
      observations: this.#observations,
      unreadable: this.#unreadable,
      ...(this.#missed === undefined ? {} : { missed: this.#missed }),
    };
    this.#observations = [];
    this.#missed = undefined;
    this.#unreadable = 0;
    return batch;
  }

  #addPacket({ prefix, payload, sequence, time = this.#now(), inDevice, inPort }: NflogPacket): void {
    if (sequence !== undefined) this.#noteGap(sequence, time);
    this.#lastTime = time;
    const headers = parseHeaders(payload);
    if (headers === undefined) {
      this.#unreadable += 1;
      return;
    }
    // A bridged packet came in by the bridge's port.
    const device = this.#nameOf(inPort ?? inDevice);
    this.#observations.push({ time, prefix, ...(device === undefined ? {} : { device }), ...headers });
  }

  #noteGap(sequence: number, time: number): void {
    // 32 bits that go round.
    const count = this.#next === undefined ? sequence : (sequence - this.#next) >>> 0;
    this.#next = (sequence + 1) >>> 0;
    if (count === 0) return;
    const start = this.#missed?.start ?? this.#lastTime ?? time;
    this.#missed = { count: (this.#missed?.count ?? 0) + count, start, end: time };
  }

  #nameOf(ifindex: number | undefined): string | undefined {
    if (ifindex === undefined) return undefined;
    const known = this.#names.get(ifindex);
    if (known !== undefined) return known;
    const name = this.#deviceName(ifindex);
    if (name !== undefined) this.#names.set(ifindex, name);
    return name;
  }
}
