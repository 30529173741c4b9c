import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CniResults, parseCniResult } from '../../src/cluster/cni-results.js';
import { EarlyAddressesSource } from '../../src/cluster/early-addresses.js';
import { Listeners } from '../../src/cluster/listeners.js';
import type { SourceChange, SyncedCluster } from '../../src/cluster/types.js';
import type { ClusterChange } from '../../src/model/cluster.js';
import { parsePod } from '../../src/model/parse.js';
import type { Pod } from '../../src/model/pod.js';
import { pod } from '../cases/objects.js';
import { until } from '../support/until.js';
import { cniResult } from '../support/cni-result.js';

const uid = 'f7d5ac2b-7b5c-4b0b-a3a1-1f6d5a4e0f11';

function made(addresses: readonly string[], change: { readonly uid?: string; readonly node?: 'n1' | 'n2' } = {}): Pod {
  const object = pod('web.x', { node: change.node ?? 'n1', addresses, labels: { app: 'web' } });
  const parsed = parsePod({ ...object, metadata: { ...object.metadata, uid: change.uid ?? uid } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.diagnostics));
  return parsed.value;
}

/** A cluster that says what a test makes it say. */
class ScriptedCluster implements SyncedCluster {
  readonly #listeners = new Listeners<SourceChange>();
  readonly #pods: readonly Pod[];
  constructor(pods: readonly Pod[]) {
    this.#pods = pods;
  }
  snapshot: SyncedCluster['snapshot'] = () => ({ pods: this.#pods, policies: [], namespaces: [], nodes: [] });
  problems: SyncedCluster['problems'] = () => [];
  staleSince: SyncedCluster['staleSince'] = () => undefined;
  onProblems: SyncedCluster['onProblems'] = () => ({ [Symbol.dispose]: () => undefined });
  onChange: SyncedCluster['onChange'] = (listener) => this.#listeners.add(listener);
  announce(...changes: readonly ClusterChange[]): void {
    this.#listeners.notify({ changes, noticedAt: 0 });
  }
  [Symbol.dispose](): void {
    return undefined;
  }
}

describe('a file of the CNI result cache', () => {
  test('both families of the pod, in canonical form', () => {
    const text = cniResult({ uid, addresses: ['10.244.1.5/24', 'FD00:10:244:1::5/64'] });
    expect(parseCniResult(text)).toEqual({ podUid: uid, addresses: ['10.244.1.5', 'fd00:10:244:1::5'] });
  });
  test.each([
    ['a further network of the pod', cniResult({ uid, addresses: ['10.9.0.1/24'], interface: 'net1' })],
    ['no pod of Kubernetes', cniResult({ addresses: ['10.9.0.1/24'] })],
    ['half a file', cniResult({ uid, addresses: ['10.9.0.1/24'] }).slice(0, 60)],
    ['another format', '{"kind":"cniCacheV9"}'],
    ['no object', 'null'],
  ])('nothing of %s', (_name, text) => {
    expect(parseCniResult(text)).toBeUndefined();
  });
});

describe('addresses before the status has them', () => {
  let folder: string;
  let results: CniResults;
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'podwall-cni-')), 'results');
  });
  afterEach(async () => {
    results[Symbol.dispose]();
    await rm(join(folder, '..'), { recursive: true });
  });
  const write = async (text: string, name = 'podnet-0a1b-eth0'): Promise<void> => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), text);
  };
  const open = async (cluster: SyncedCluster) => {
    results = await CniResults.open(folder);
    const early = await new EarlyAddressesSource(
      { sync: () => Promise.resolve(cluster) },
      { node: 'n1', results },
    ).sync();
    const seen: string[] = [];
    early.onChange(({ changes }) => {
      for (const change of changes)
        if (change.kind === 'pod') seen.push(change.pod === undefined ? 'gone' : change.pod.addresses.join());
    });
    return { early, seen };
  };
  const change = (value: Pod): ClusterChange => ({ kind: 'pod', ref: value.ref, pod: value });

  test('a pod is known by its result, and by its status as soon as that has the address', async () => {
    const cluster = new ScriptedCluster([made([])]);
    const { early, seen } = await open(cluster);
    expect(early.snapshot().pods[0]?.addresses).toEqual([]);
    // The folder comes with the node's first pod.
    await write(cniResult({ uid, addresses: ['10.244.1.5/24'] }));
    await until(() => seen.length === 1);
    expect(early.snapshot().pods[0]?.addresses).toEqual(['10.244.1.5']);
    cluster.announce(change(made([])));
    cluster.announce(change(made(['10.244.1.6'])));
    expect(seen).toEqual(['10.244.1.5', '10.244.1.5', '10.244.1.6']);
    await write(cniResult({ uid, addresses: ['10.244.1.7/24'] }));
    await until(() => results.addresses().get(uid)?.[0] === '10.244.1.7');
    expect(seen).toHaveLength(3);
    early[Symbol.dispose]();
  }, 10_000);

  test('a result that was there before the pod, and one that goes', async () => {
    await write(cniResult({ uid, addresses: ['10.244.1.5/24'] }));
    const cluster = new ScriptedCluster([]);
    const { early, seen } = await open(cluster);
    cluster.announce(change(made([])));
    expect(seen).toEqual(['10.244.1.5']);
    await rm(join(folder, 'podnet-0a1b-eth0'));
    await until(() => seen.length === 2);
    cluster.announce({ kind: 'pod', ref: made([]).ref });
    expect(seen).toEqual(['10.244.1.5', '', 'gone']);
    early[Symbol.dispose]();
  });

  test('not for a former pod of the name, nor for a pod of another node', async () => {
    await write(cniResult({ uid, addresses: ['10.244.1.5/24'] }));
    const { early } = await open(new ScriptedCluster([made([], { uid: 'another' }), made([], { node: 'n2' })]));
    expect(early.snapshot().pods.map(({ addresses }) => addresses)).toEqual([[], []]);
    early[Symbol.dispose]();
  });
});
