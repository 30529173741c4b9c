/** A new flow for each relation each millisecond, beside established streams: what was lost, and what passed wrongly. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Flow } from '../support/lab/flows.js';
import * as libc from '../support/lab/libc.js';
import type { Prober } from '../support/lab/prober.js';

export interface Relation {
  /** Network namespaces. */
  readonly from: string;
  readonly server: string;
  /** The server's address; each relation has a port of its own. */
  readonly to: string;
  readonly port: number;
  readonly isAllowed: boolean;
}

export interface Counts {
  /** Flows that were begun. */
  readonly flows: number;
  /** Denied flows that arrived, and denied streams that carried. */
  readonly wrong: number;
  /** Allowed flows that did not arrive, and allowed streams that broke. */
  readonly lost: number;
  /** Milliseconds, from the first of several allowed flows in a row that were lost to the next that arrived. */
  readonly longestGap: number;
}

export const noCounts: Counts = { flows: 0, wrong: 0, lost: 0, longestGap: 0 };

export const sumOfCounts = (a: Counts, b: Counts): Counts => ({
  flows: a.flows + b.flows,
  wrong: a.wrong + b.wrong,
  lost: a.lost + b.lost,
  longestGap: Math.max(a.longestGap, b.longestGap),
});

/** A stream that is established, and whether policies let it go on. */
export interface Stream {
  readonly flow: Flow;
  readonly isAllowed: boolean;
}

interface TrafficOptions {
  readonly relations: readonly Relation[];
  readonly streams: readonly Stream[];
  /** Milliseconds from one flow of a relation to the next. */
  readonly every: number;
}

/** Milliseconds for what is on its way, and for what TCP sends again. */
const arrivesWithin = 100;
const streamCarriesWithin = 2_000;
const staysCutFor = 300;
const streamsCarryEvery = 50;

export class Traffic {
  readonly #prober: Prober;
  readonly #every: number;
  readonly #lanes: readonly Lane[];
  readonly #streams: readonly Stream[];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #streamCounts: Promise<readonly Counts[]>;

  constructor(prober: Prober, { relations, streams, every }: TrafficOptions) {
    this.#prober = prober;
    this.#every = every;
    this.#lanes = relations.map((relation) => new Lane(prober, relation));
    this.#streams = streams;
    this.#running = this.#run();
    this.#streamCounts = Promise.all(streams.map((stream) => this.#runStream(stream)));
  }

  async end(): Promise<Counts> {
    this.#stop.abort();
    await this.#running;
    await delay(arrivesWithin);
    const counts = this.#lanes.map((lane) => lane.counts());
    for (const lane of this.#lanes) lane.close();
    const before = await this.#streamCounts;
    const streams = await Promise.all(this.#streams.map(countsOf));
    return [...counts, ...before, ...streams].reduce(sumOfCounts);
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      for (const lane of this.#lanes) lane.send(this.#prober);
      await delay(this.#every);
    }
  }

  /** Allowed streams carry all the time, and at the end it is seen what each does. */
  async #runStream(stream: Stream): Promise<Counts> {
    let counts = noCounts;
    while (stream.isAllowed && !this.#stop.signal.aborted && counts.lost === 0) {
      counts = sumOfCounts(counts, await countsOf(stream));
      await delay(streamsCarryEvery);
    }
    return counts;
  }
}

/** Whether a stream carries both ways, as it must, or neither. */
async function countsOf({ flow, isAllowed }: Stream): Promise<Counts> {
  let [wrong, lost] = [0, 0];
  for (const heading of ['toServer', 'toClient'] as const) {
    const carries = await flow.carries(heading, isAllowed ? streamCarriesWithin : staysCutFor);
    if (carries && !isAllowed) wrong += 1;
    if (!carries && isAllowed) lost += 1;
  }
  return { ...noCounts, flows: 1, wrong, lost };
}

/** The flows of one relation. A veth delivers within the sender's call, so they arrive in their order. */
class Lane {
  readonly #relation: Relation;
  readonly #server: number;
  /** When each was sent. */
  readonly #sent: number[] = [];
  #arrived = 0;
  #lastArrived = -1;
  #longestGap = 0;

  constructor(prober: Prober, relation: Relation) {
    this.#relation = relation;
    const family = relation.to.includes(':') ? libc.AF_INET6 : libc.AF_INET;
    this.#server = prober.socketIn(relation.server, family, libc.SOCK_DGRAM);
    libc.bind(this.#server, libc.socketAddress(relation.to, relation.port));
  }

  send(prober: Prober): void {
    const { from, to, port } = this.#relation;
    const data = Buffer.alloc(4);
    data.writeUInt32LE(this.#sent.length);
    const socket = prober.socketIn(from, to.includes(':') ? libc.AF_INET6 : libc.AF_INET, libc.SOCK_DGRAM);
    libc.connect(socket, libc.socketAddress(to, port));
    this.#sent.push(performance.now());
    libc.send(socket, data);
    libc.close(socket);
    this.#receive();
  }

  counts(): Counts {
    this.#receive();
    const flows = this.#sent.length;
    if (!this.#relation.isAllowed) return { ...noCounts, flows, wrong: this.#arrived };
    const lastGap = this.#gapBefore(flows - 1);
    return { flows, wrong: 0, lost: flows - this.#arrived, longestGap: Math.max(this.#longestGap, lastGap) };
  }

  close(): void {
    libc.close(this.#server);
  }

  #receive(): void {
    for (let got = libc.receive(this.#server); got !== undefined; got = libc.receive(this.#server)) {
      const number = got.data.readUInt32LE();
      this.#arrived += 1;
      this.#longestGap = Math.max(this.#longestGap, this.#gapBefore(number));
      this.#lastArrived = Math.max(this.#lastArrived, number);
    }
  }

  #gapBefore(number: number): number {
    const firstLost = this.#lastArrived + 1;
    return number <= firstLost ? 0 : (this.#sent[number] ?? 0) - (this.#sent[firstLost] ?? 0);
  }
}
