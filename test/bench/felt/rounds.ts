/** One change after another, each followed until packets show it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Manifest } from '../../cases/types.js';
import type { ClusterSource } from '../live/cluster-source.js';
import { FlowStream, type FlowState } from '../live/flow-stream.js';
import { objectOf, type LocalCluster } from '../live/local-cluster.js';
import { allowing, client, denying, joined, joining, server, type Scenario } from './scenarios.js';

/** Milliseconds, by what was changed. */
export type Times = ReadonlyMap<string, number[]>;

export interface Rounds {
  readonly times: Times;
  readonly changes: number;
  readonly made: number;
  /** Milliseconds for which this process itself sent no flow, at most. */
  readonly longestGap: number;
  /** Flows that arrived although later ones had been taken for blocked. */
  readonly contradicted: number;
}

/** A change that no packet shows after so many milliseconds is none. */
const within = 30_000;
/** Between changes, milliseconds: what is left to be swept is swept. */
const pause = 40;

export interface RoundOptions {
  readonly rounds: number;
  /** No further round begins after so many milliseconds. */
  readonly bound: number;
}

export async function runRounds(
  cluster: LocalCluster,
  source: ClusterSource,
  scenario: Scenario,
  { rounds, bound }: RoundOptions,
): Promise<Rounds> {
  const { prober } = cluster.lab;
  using fresh = new FlowStream(prober, cluster.path(client, server, 5000));
  using established = new FlowStream(prober, cluster.path(client, server, 5001), 'established');
  using friend = new FlowStream(prober, cluster.path(joining, scenario.closed, 5002));
  const times = new Map<string, number[]>();
  const note = (what: string, milliseconds: number): void =>
    void times.set(what, [...(times.get(what) ?? []), milliseconds]);
  const change = async (
    what: string,
    write: () => Promise<void>,
    stream: FlowStream,
    state: FlowState,
  ): Promise<void> => {
    const since = performance.now();
    const shown = stream.reaches(state, since, within);
    await write();
    const milliseconds = await shown;
    if (milliseconds === Infinity) throw new Error(`${what}: the flow was not ${state} within ${within} ms`);
    note(what, milliseconds);
    await delay(pause);
  };
  const block = async (what: string, write: () => Promise<void>): Promise<void> => {
    await established.reaches('open', performance.now(), within);
    const cut = established.reaches('blocked', performance.now(), within);
    await change(what, write, fresh, 'blocked');
    note('established flow cut', await cut);
  };
  const applied: Manifest = scenario.isolated ? allowing : denying;
  const apply = (): Promise<void> => source.put(applied);
  const remove = (): Promise<void> => source.delete(applied);
  const began = performance.now();
  let made = 0;
  for (; made < rounds && performance.now() - began < bound; made += 1) {
    if (scenario.isolated) {
      await change('apply to open', apply, fresh, 'open');
      await block('delete to blocked', remove);
    } else {
      await block('apply to blocked', apply);
      await change('delete to open', remove, fresh, 'open');
    }
    await change('peer joins by label to open', () => source.put(objectOf(joined)), friend, 'open');
    await change('peer leaves by label to blocked', () => source.put(objectOf(joining)), friend, 'blocked');
  }
  const streams = [fresh, established, friend];
  return {
    times,
    changes: 4 * made,
    made,
    longestGap: Math.max(...streams.map((stream) => stream.longestGap)),
    contradicted: streams.reduce((sum, stream) => sum + stream.contradicted, 0),
  };
}
