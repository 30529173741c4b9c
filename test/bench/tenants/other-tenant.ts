/** Another tenant, whose deny is applied and lifted in a loop, each time measured to the packet. */
import { setTimeout as delay } from 'node:timers/promises';
import { policy } from '../../cases/objects.js';
import type { ClusterSource } from '../live/cluster-source.js';
import { FlowStream, type FlowState } from '../live/flow-stream.js';
import type { LocalCluster } from '../live/local-cluster.js';
import { otherClient, otherServer } from './tenant-pods.js';

const denying = policy('deny.other', { podSelector: { matchLabels: otherServer.labels } });
/** Between changes, milliseconds. */
const pause = 30;

export class OtherTenant implements Disposable {
  readonly #source: ClusterSource;
  readonly #stream: FlowStream;
  #isDenied = false;

  constructor(cluster: LocalCluster, source: ClusterSource) {
    this.#source = source;
    this.#stream = new FlowStream(cluster.lab.prober, cluster.path(otherClient, otherServer, 5000));
  }

  /** Milliseconds: the longest that the bench itself kept flows from being sent. */
  get longestGap(): number {
    return this.#stream.longestGap;
  }

  /**
   * One change after another until `isOver` is, the last one waited for. Milliseconds each; a wait that was not over
   * at `deadline`, a performance.now(), is the last, and longer than it says.
   */
  async loop(isOver: () => boolean, deadline: number): Promise<readonly number[]> {
    const waits: number[] = [];
    while (!isOver() && performance.now() < deadline) {
      const since = performance.now();
      const wait = await this.#change(since, deadline - since);
      waits.push(Math.min(wait, performance.now() - since));
      if (wait === Infinity) break;
      await delay(pause);
    }
    return waits;
  }

  /** As before its first change. */
  async lift(): Promise<void> {
    if (this.#isDenied) await this.#source.delete(denying);
    this.#isDenied = false;
  }

  [Symbol.dispose](): void {
    this.#stream[Symbol.dispose]();
  }

  async #change(since: number, within: number): Promise<number> {
    const state: FlowState = this.#isDenied ? 'open' : 'blocked';
    const shown = this.#stream.reaches(state, since, within);
    await (this.#isDenied ? this.#source.delete(denying) : this.#source.put(denying));
    this.#isDenied = !this.#isDenied;
    return shown;
  }
}
