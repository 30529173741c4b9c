/** Packets of senders that are past their share, summed by sender, direction and the policies that decided. */
import { policyKey } from '../../model/policy.js';
import type { LoggedPacket } from '../attribution/logged-packet.js';
import type { PacketSum } from '../writing/aggregator.js';
import { DistinctCount } from './distinct-count.js';

/** An endpoint that packets were sent to. */
interface ScannedEndpoint {
  readonly address: string;
  readonly port?: number;
  /** IANA number. */
  readonly protocol: number;
}

export interface ScanSum {
  /** The first packet: what all have in common is its. */
  readonly logged: LoggedPacket;
  /** Whether all have the same sender, and the same isolating policies; where sums find no room, they have not. */
  readonly isOfOneSender: boolean;
  readonly isOfOneSet: boolean;
  readonly packets: PacketSum;
  readonly senders: number;
  /** Addresses that were sent from, and to, and ports that were sent to. */
  readonly sources: number;
  readonly addresses: number;
  readonly ports: number;
  /** The first few. */
  readonly first: readonly ScannedEndpoint[];
}

/** Milliseconds until the first record of a scan, and between its records at most: the time doubles while it goes on. */
const [shortest, longest] = [5000, 60_000];
const mostEndpoints = 5;
/** Sums of one sender by policies, and sums by sender: others are summed without telling them apart. */
const [setsOfSender, mostSums] = [32, 2048];

class Growing {
  readonly #logged: LoggedPacket;
  readonly #kind: Pick<ScanSum, 'isOfOneSender' | 'isOfOneSet'>;
  readonly #counts = {
    senders: new DistinctCount(),
    sources: new DistinctCount(),
    addresses: new DistinctCount(),
    ports: new DistinctCount(),
  };
  readonly #first = new Map<string, ScannedEndpoint>();
  #packets: PacketSum;

  constructor(logged: LoggedPacket, kind: Pick<ScanSum, 'isOfOneSender' | 'isOfOneSet'>) {
    this.#logged = logged;
    this.#kind = kind;
    const { time } = logged.packet;
    this.#packets = { count: 0, start: time, end: time, bytes: 0 };
  }

  get count(): number {
    return this.#packets.count;
  }

  add({ packet, sender }: LoggedPacket): void {
    const { time, bytes, source, destination, ports, protocol } = packet;
    const { count, start, end, bytes: before } = this.#packets;
    this.#packets = {
      count: count + 1,
      start: Math.min(start, time),
      end: Math.max(end, time),
      bytes: before + bytes,
    };
    const { senders, sources, addresses, ports: portCount } = this.#counts;
    senders.add(senderKey(sender));
    sources.add(source);
    addresses.add(destination);
    const port = ports?.destination;
    if (port !== undefined) portCount.add(`${protocol} ${port}`);
    if (this.#first.size >= mostEndpoints) return;
    this.#first.set(`${destination} ${protocol} ${port}`, {
      address: destination,
      ...(port === undefined ? {} : { port }),
      protocol,
    });
  }

  sum(): ScanSum {
    const { senders, sources, addresses, ports } = this.#counts;
    return {
      logged: this.#logged,
      ...this.#kind,
      packets: this.#packets,
      senders: senders.count,
      sources: sources.count,
      addresses: addresses.count,
      ports: ports.count,
      first: [...this.#first.values()],
    };
  }
}

interface Window {
  readonly sender: string;
  readonly lasts: number;
  readonly due: number;
  /** Undefined until a packet comes. */
  sum: Growing | undefined;
}

export class ScanSums {
  readonly #onSum: (sum: ScanSum) => void;
  readonly #windows = new Map<string, Window>();
  /** Windows by sender. */
  readonly #sets = new Map<string, number>();
  #pending = 0;

  constructor(onSum: (sum: ScanSum) => void) {
    this.#onSum = onSum;
  }

  /** Packets without a record yet. */
  get pending(): number {
    return this.#pending;
  }

  add(logged: LoggedPacket, now: number): void {
    const { key, sender, kind } = this.#placeOf(logged);
    let window = this.#windows.get(key);
    if (window === undefined) {
      window = { sender, lasts: shortest, due: now + shortest, sum: undefined };
      this.#windows.set(key, window);
      this.#sets.set(sender, (this.#sets.get(sender) ?? 0) + 1);
    }
    window.sum ??= new Growing(logged, kind);
    window.sum.add(logged);
    this.#pending += 1;
  }

  /** Hands over the sums that are due at `now`; all of them without it. */
  flush(now = Infinity): void {
    for (const [key, { sender, lasts, due, sum }] of this.#windows) {
      if (due > now) continue;
      if (sum === undefined) {
        this.#windows.delete(key);
        const sets = (this.#sets.get(sender) ?? 1) - 1;
        if (sets === 0) this.#sets.delete(sender);
        else this.#sets.set(sender, sets);
        continue;
      }
      const next = Math.min(lasts * 2, longest);
      this.#windows.set(key, { sender, lasts: next, due: now + next, sum: undefined });
      this.#pending -= sum.count;
      this.#onSum(sum.sum());
    }
  }

  /** By sender and policies while there is room, then without the policies, then without the sender. */
  #placeOf(logged: LoggedPacket) {
    const { direction, verdict, mode, reason, isolating } = logged;
    const sender = senderKey(logged.sender);
    const what = `${direction} ${verdict} ${mode} ${reason}`;
    const exact = `${sender} ${what} ${isolating.map(policyKey).join(' ')}`;
    const isKnown = this.#windows.has(exact);
    if (isKnown || (this.#windows.size < mostSums && (this.#sets.get(sender) ?? 0) < setsOfSender))
      return { key: exact, sender, kind: { isOfOneSender: true, isOfOneSet: true } };
    const bySender = `${sender} ${what} *`;
    if (this.#windows.has(bySender) || this.#windows.size < mostSums)
      return { key: bySender, sender, kind: { isOfOneSender: true, isOfOneSet: false } };
    return { key: `* ${what}`, sender: '*', kind: { isOfOneSender: false, isOfOneSet: false } };
  }
}

const senderKey = ({ address, pod }: LoggedPacket['sender']): string => pod?.uid ?? address;
