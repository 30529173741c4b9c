import { describe, expect, test } from '@jest/globals';
import { PolicyPackets } from '../../../src/node/metrics/policy-packets.js';
import type { PolicyPackets as Packets } from '../../../src/node/metrics/policy-series.js';
import type { ClusterChange } from '../../../src/model/cluster.js';
import { countersOfEndpoint } from '../../../src/nftables/render/policy-counters.js';
import { changeFrom, emptyProgram } from '../../../src/program/change.js';
import type { PolicyProgram } from '../../../src/program/types.js';
import { endpoint, isolatedBy, policy } from '../../nftables/programs.js';

const minute = 60_000;

/** A node with one pod, which the policies of these names isolate, and its kernel. */
class Node {
  readonly counters = new Map<string, number>();
  readonly warnings: string[] = [];
  saved: unknown;
  isUnreadable = false;
  #program = emptyProgram;
  #packets: PolicyPackets | undefined;
  /** Called when a reading has been taken and is not given back yet. */
  onReading: () => void = () => undefined;

  get packets(): PolicyPackets {
    if (this.#packets === undefined) throw new Error('not started');
    return this.#packets;
  }

  async start(): Promise<void> {
    this.#packets = await PolicyPackets.start({
      program: () => this.#program,
      readCounters: () => {
        const reading = new Map(this.counters);
        this.onReading();
        return Promise.resolve(reading);
      },
      file: {
        load: () =>
          this.isUnreadable ? Promise.reject(new Error('no')) : Promise.resolve(structuredClone(this.saved)),
        save: (saved) => {
          this.saved = structuredClone(saved);
          return Promise.resolve();
        },
      },
      log: { warn: (_, message) => void this.warnings.push(message) },
    });
  }

  static counterOf(...policies: readonly string[]): string {
    const [first] = countersOfEndpoint(endpoint('a', [], { ingress: isolatedBy('ingress', ...policies) }));
    if (first === undefined) throw new Error('no counter');
    return first[0];
  }

  /** The policies are the only ones now, and isolate the pod; the table is built, and not yet swept. */
  isolate(...policies: readonly string[]): void {
    const pod = endpoint(
      'a',
      ['10.0.0.1'],
      policies.length === 0 ? {} : { ingress: isolatedBy('ingress', ...policies) },
    );
    const before = [...this.#program.endpoints.values()].flatMap(({ ingress }) =>
      ingress.kind === 'open' ? [] : ingress.by,
    );
    const change = (name: string, lives: boolean): ClusterChange => ({
      kind: 'policy',
      ref: policy(name),
      ...(lives ? { policy: { ref: policy(name) } as never } : {}),
    });
    const gone = before.filter(({ name }) => !policies.includes(name)).map(({ name }) => change(name, false));
    this.#program = { ...emptyProgram, endpoints: new Map([['a', pod]]) } satisfies PolicyProgram;
    this.packets.changesCompiled([...gone, ...policies.map((name) => change(name, true))], changeFrom(this.#program));
    if (policies.length > 0) this.#count(Node.counterOf(...policies), 0);
  }

  deny(packets: number, ...policies: readonly string[]): void {
    this.#count(Node.counterOf(...policies), packets);
  }

  async sweep(...policies: readonly string[]): Promise<void> {
    const name = Node.counterOf(...policies);
    await this.packets.beforeRemoval([name]);
    this.counters.delete(name);
    this.packets.countersRemoved([name]);
  }

  async denied(now = 0): Promise<Readonly<Record<string, number>>> {
    await this.packets.read();
    return Object.fromEntries(this.packets.series.packets(now).deny satisfies Packets['deny']);
  }

  #count(counter: string, packets: number): void {
    this.counters.set(counter, (this.counters.get(counter) ?? 0) + packets);
  }
}

const started = async (): Promise<Node> => {
  const node = new Node();
  await node.start();
  return node;
};

describe('packets by policy', () => {
  test('a counter that is removed and created again adds to its series, however often it is read', async () => {
    const node = await started();
    node.isolate('a');
    node.deny(3, 'a');
    node.isolate('a', 'b');
    node.deny(2, 'a', 'b');
    await node.sweep('a');
    node.isolate('a');
    node.deny(5, 'a');
    expect(await node.denied()).toEqual({ 'ingress lab/a': 8, 'ingress lab/a,lab/b': 2 });
    await node.sweep('a', 'b');
    expect(await node.denied()).toEqual({ 'ingress lab/a': 8, 'ingress lab/a,lab/b': 2 });
    expect(node.packets.series.resets).toBe(0);
  });

  test('a scrape between the reading before a removal and the removal counts nothing twice', async () => {
    const node = await started();
    node.isolate('a');
    node.deny(3, 'a');
    const name = Node.counterOf('a');
    await node.packets.beforeRemoval([name]);
    expect(await node.denied()).toEqual({ 'ingress lab/a': 3 });
    node.counters.delete(name);
    node.packets.countersRemoved([name]);
    expect(await node.denied()).toEqual({ 'ingress lab/a': 3 });
  });

  test('a scrape that was read before a removal and comes after it counts nothing twice', async () => {
    const node = await started();
    node.isolate('a');
    node.deny(3, 'a');
    const name = Node.counterOf('a');
    await node.packets.beforeRemoval([name]);
    node.onReading = () => {
      node.counters.delete(name);
      node.packets.countersRemoved([name]);
      node.onReading = () => undefined;
    };
    expect(await node.denied()).toEqual({ 'ingress lab/a': 3 });
    node.isolate('a');
    node.deny(4, 'a');
    expect(await node.denied()).toEqual({ 'ingress lab/a': 7 });
  });

  test('a series of a policy that is gone is scraped for some time; one of a policy that lives never ends', async () => {
    const node = await started();
    node.isolate('a', 'b');
    node.deny(2, 'a', 'b');
    node.isolate('a');
    node.deny(1, 'a');
    expect(await node.denied(minute)).toEqual({ 'ingress lab/a': 1, 'ingress lab/a,lab/b': 2 });
    expect(await node.denied(15 * minute)).toHaveProperty(['ingress lab/a,lab/b'], 2);
    expect(await node.denied(17 * minute)).toEqual({ 'ingress lab/a': 1 });
    node.isolate('a', 'c');
    expect(await node.denied(60 * minute)).toEqual({ 'ingress lab/a': 1, 'ingress lab/a,lab/c': 0 });
    node.isolate('c');
    // It has counted nothing, so that nothing is lost with it.
    expect(await node.denied(61 * minute)).toEqual({ 'ingress lab/a': 1, 'ingress lab/c': 0 });
  });

  test('the next run of the agent goes on from the series and the counters of the run before', async () => {
    const node = await started();
    node.isolate('a', 'b');
    node.deny(2, 'a', 'b');
    await node.packets.beforeRemoval([]);
    node.isolate('a');
    node.deny(3, 'a');
    await node.denied();
    node.deny(4, 'a');
    await node.start();
    node.isolate('a');
    node.deny(1, 'a', 'b');
    await node.sweep('a', 'b');
    expect(await node.denied()).toEqual({ 'ingress lab/a': 7, 'ingress lab/a,lab/b': 3 });
  });

  test('what counters count whose policies nobody knows any more is summed, and not lost', async () => {
    const node = await started();
    node.isolate('a');
    node.deny(3, 'a');
    node.saved = undefined;
    await node.start();
    await node.sweep('a');
    expect(await node.denied()).toEqual({ 'ingress (others)': 3 });
  });

  test('a counter that another program resets or removes is counted, and its series goes on', async () => {
    const node = await started();
    node.isolate('a');
    node.deny(3, 'a');
    await node.denied();
    node.counters.set(Node.counterOf('a'), 1);
    expect(await node.denied()).toEqual({ 'ingress lab/a': 4 });
    node.counters.clear();
    expect(await node.denied()).toEqual({ 'ingress lab/a': 4 });
    expect(node.packets.series.resets).toBe(2);
  });

  test('what does not find room for a series of its own is summed', async () => {
    const node = await started();
    for (let number = 0; number < 1002; number += 1) {
      node.isolate(`p${number}`);
      node.deny(1, `p${number}`);
      await node.sweep(`p${number}`);
    }
    const denied = await node.denied();
    expect(Object.keys(denied).length).toBe(1001);
    expect(denied['ingress (others)']).toBe(2);
  });

  test('a file that cannot be read is said, and keeps nothing from starting', async () => {
    const node = new Node();
    node.isUnreadable = true;
    await node.start();
    expect(node.warnings).toHaveLength(1);
  });
});
