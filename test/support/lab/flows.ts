/** Flows that stay, with both their ends in hand: what a policy change cuts, or does not. */
import { setTimeout as delay } from 'node:timers/promises';
import * as libc from './libc.js';

export type Heading = 'toServer' | 'toClient';

/** An established TCP connection, or a UDP flow between two connected sockets. */
export class Flow implements Disposable {
  readonly #client: number;
  readonly #server: number;
  readonly #kind: 'TCP' | 'UDP';
  readonly #open: Set<number>;
  #count = 0;

  constructor(kind: 'TCP' | 'UDP', client: number, server: number) {
    this.#kind = kind;
    this.#client = client;
    this.#server = server;
    this.#open = new Set([client, server]);
  }

  get sourcePort(): number {
    return libc.boundAddress(this.#client).readUInt16BE(2);
  }

  /** Sends without waiting; false when the socket refuses: its peer has reset it, or it is closed. */
  send(heading: Heading, text = 'x'): boolean {
    const from = heading === 'toServer' ? this.#client : this.#server;
    return this.#open.has(from) && libc.send(from, Buffer.from(text)) >= 0;
  }

  /** Whether bytes sent at one end arrive at the other within `timeout` milliseconds, `more` of them behind the first. */
  async carries(heading: Heading, timeout = 400, more = 0): Promise<boolean> {
    const to = heading === 'toServer' ? this.#server : this.#client;
    while ((libc.receive(to)?.data.length ?? 0) > 0) continue;
    this.#count += 1;
    // A late datagram of an earlier call does not count as this one; in a stream it arrives before this one.
    const text = `${heading} ${this.#count};${'.'.repeat(more)}`;
    if (!this.send(heading, text)) return false;
    const deadline = performance.now() + timeout;
    let arrived = '';
    while (performance.now() < deadline) {
      const got = libc.receive(to);
      if (got?.data.length === 0 && this.#kind === 'TCP') return false;
      arrived += got?.data.toString('latin1') ?? '';
      if (arrived.includes(text)) return true;
      if (got === undefined) await delay(2);
    }
    return false;
  }

  /** The client resets its connection, as a process that is killed with unread data does. */
  reset(): void {
    libc.resetOnClose(this.#client);
    this.#close(this.#client);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open) this.#close(fd);
  }

  #close(fd: number): void {
    if (this.#open.delete(fd)) libc.close(fd);
  }
}
