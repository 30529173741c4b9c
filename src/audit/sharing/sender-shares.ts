/**
 * How many records of its own each sender may cause. A pod has a share whatever others do. Addresses of nobody that is known
 * have one each, as far as there is room, and another one together: who invents addresses gains nothing by it.
 */
import type { PacketSender } from '../attribution/logged-packet.js';
import { TokenBucket } from './token-bucket.js';

/** Seconds of its rate that a sender may use at once. */
const burstSeconds = 10;
/** In the long run it may use this part of its rate, after so many seconds of the whole: its records are kept for days. */
const [lastingPart, lastingSeconds] = [0.1, 1000];
/** Senders with a share of their own. */
const mostSenders = { pods: 16_384, addresses: 4096 } as const;
/** Shares that all addresses have together. */
const sharesOfAddresses = 10;
/** Milliseconds between two searches for shares that nobody uses. */
const sweepEvery = 1000;

class Share {
  readonly #buckets: readonly TokenBucket[];

  constructor(rate: number, now: number) {
    this.#buckets = [
      new TokenBucket(rate, rate * burstSeconds, now),
      new TokenBucket(rate * lastingPart, rate * lastingSeconds, now),
    ];
  }

  has(now: number): boolean {
    return this.#buckets.every((bucket) => bucket.has(now));
  }

  take(): void {
    for (const bucket of this.#buckets) bucket.take();
  }

  isUnused(now: number): boolean {
    return this.#buckets.every((bucket) => bucket.isFull(now));
  }
}

/** Shares by sender; those that find no room have one together. */
class ShareTable {
  readonly #rate: number;
  readonly #most: number;
  readonly #shares = new Map<string, Share>();
  #rest: Share | undefined;
  #sweptAt = -Infinity;

  constructor(rate: number, most: number) {
    this.#rate = rate;
    this.#most = most;
  }

  of(key: string, now: number): Share {
    const known = this.#shares.get(key);
    if (known !== undefined) return known;
    if (this.#shares.size >= this.#most && now - this.#sweptAt >= sweepEvery) this.#sweep(now);
    const made = new Share(this.#rate, now);
    if (this.#shares.size >= this.#most) return (this.#rest ??= made);
    this.#shares.set(key, made);
    return made;
  }

  /** A share that is full again is as good as a new one. */
  #sweep(now: number): void {
    this.#sweptAt = now;
    for (const [key, share] of this.#shares) if (share.isUnused(now)) this.#shares.delete(key);
  }
}

export class SenderShares {
  readonly #pods: ShareTable;
  readonly #addresses: ShareTable;
  readonly #allAddresses: Share;

  /** @param rate new pairs of a sender a second that have records of their own. @param now milliseconds; times never decrease */
  constructor(rate: number, now: number) {
    this.#pods = new ShareTable(rate, mostSenders.pods);
    this.#addresses = new ShareTable(rate, mostSenders.addresses);
    this.#allAddresses = new Share(rate * sharesOfAddresses, now);
  }

  /** Whether the sender may cause another record; if so, it has. */
  take({ pod, address }: PacketSender, now: number): boolean {
    const shares =
      pod === undefined ? [this.#addresses.of(address, now), this.#allAddresses] : [this.#pods.of(pod.uid, now)];
    if (!shares.every((share) => share.has(now))) return false;
    for (const share of shares) share.take();
    return true;
  }
}
