/** A flow each millisecond from one pod to another: when the first was blocked, or arrived, to the millisecond. */
import * as libc from '../../support/lab/libc.js';
import type { Prober } from '../../support/lab/prober.js';

export interface FlowPath {
  /** Network namespaces. */
  readonly from: string;
  readonly server: string;
  /** The server's IPv4 address. */
  readonly to: string;
  readonly port: number;
}

export type FlowState = 'open' | 'blocked';

/** So many flows in a row, the first of them included, make sure that one is not lost by chance. */
const confirmedBy = 10;
/** Sent times of so many of the latest are known: at one a millisecond, longer than any that still counts. */
const kept = 4096;

interface Waiting {
  readonly state: FlowState;
  readonly since: number;
  readonly until: number;
  readonly resolve: (milliseconds: number) => void;
}

/** Datagrams, since a veth delivers them within the sender's call; nothing is sent while nobody waits. */
export class FlowStream implements Disposable {
  readonly #prober: Prober;
  readonly #path: FlowPath;
  readonly #server: number;
  /** Of `established`: all datagrams belong to one flow, which the server has answered. */
  readonly #client: number | undefined;
  readonly #sent = new Float64Array(kept);
  #number = 0;
  #waiting: Waiting | undefined;
  /** First and last number since waiting began; arrivals come in their order. */
  #begin = 0;
  #firstArrived: number | undefined;
  #lastArrived: number | undefined;
  #lastTick = NaN;
  /** The first flow that was taken for blocked, and has not been asked about again. */
  #blockedFrom = Infinity;
  /** Flows that arrived after all: later than `confirmedBy` others were sent. */
  contradicted = 0;
  /** Milliseconds: the longest that this process kept flows from being sent. */
  longestGap = 0;

  constructor(prober: Prober, path: FlowPath, kind: 'new' | 'established' = 'new') {
    this.#prober = prober;
    this.#path = path;
    this.#server = prober.socketIn(path.server, libc.AF_INET, libc.SOCK_DGRAM);
    libc.bind(this.#server, libc.socketAddress(path.to, path.port));
    this.#client = kind === 'new' ? undefined : this.#connected();
  }

  /**
   * Milliseconds from `since`, a performance.now(), to the first flow that was sent into that state and was followed by
   * no other outcome; Infinity when none was within so many milliseconds.
   */
  async reaches(state: FlowState, since: number, within: number): Promise<number> {
    if (this.#waiting !== undefined) throw new Error('one wait at a time');
    this.#drain();
    this.#blockedFrom = Infinity;
    [this.#begin, this.#firstArrived, this.#lastArrived, this.#lastTick] = [this.#number, undefined, undefined, NaN];
    return new Promise((resolve) => {
      this.#waiting = { state, since, until: since + within, resolve };
      this.#tick();
    });
  }

  [Symbol.dispose](): void {
    this.#waiting?.resolve(Infinity);
    this.#waiting = undefined;
    libc.close(this.#server);
    if (this.#client !== undefined) libc.close(this.#client);
  }

  #tick(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const now = performance.now();
    if (!Number.isNaN(this.#lastTick)) this.longestGap = Math.max(this.longestGap, now - this.#lastTick);
    this.#lastTick = now;
    this.#send(now);
    this.#drain();
    const reached = this.#reached(waiting.state);
    if (reached === undefined && now < waiting.until) {
      setTimeout(() => this.#tick(), 1);
      return;
    }
    this.#waiting = undefined;
    if (waiting.state === 'blocked' && reached !== undefined)
      this.#blockedFrom = (this.#lastArrived ?? this.#begin - 1) + 1;
    waiting.resolve(reached === undefined ? Infinity : Math.max(0, reached - waiting.since));
  }

  /** When the first flow of the state was sent, once it is sure. */
  #reached(state: FlowState): number | undefined {
    if (state === 'open') {
      if (this.#firstArrived === undefined || this.#number - this.#firstArrived < confirmedBy) return undefined;
      return this.#sent[this.#firstArrived % kept];
    }
    const first = this.#lastArrived === undefined ? this.#begin : this.#lastArrived + 1;
    return this.#number - first < confirmedBy ? undefined : this.#sent[first % kept];
  }

  #send(now: number): void {
    const number = this.#number;
    this.#number += 1;
    this.#sent[number % kept] = now;
    const data = Buffer.alloc(4);
    data.writeUInt32LE(number);
    const socket = this.#client ?? this.#connected();
    libc.send(socket, data);
    if (socket !== this.#client) libc.close(socket);
  }

  #drain(): void {
    for (let got = libc.receive(this.#server); got !== undefined; got = libc.receive(this.#server)) {
      const number = got.data.readUInt32LE();
      if (this.#client !== undefined) libc.sendTo(this.#server, got.data, got.from);
      if (number < this.#begin) continue;
      if (number >= this.#blockedFrom) this.contradicted += 1;
      this.#firstArrived ??= number;
      this.#lastArrived = number;
    }
    if (this.#client !== undefined) while (libc.receive(this.#client) !== undefined) continue;
  }

  #connected(): number {
    const { from, to, port } = this.#path;
    const socket = this.#prober.socketIn(from, libc.AF_INET, libc.SOCK_DGRAM);
    libc.connect(socket, libc.socketAddress(to, port));
    return socket;
  }
}
