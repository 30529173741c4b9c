/** The loop against the fake nft: what it does when the world fails. */
import { describe, expect, test } from '@jest/globals';
import { Compiler, compile } from '../../src/compiler/compiler.js';
import type { SourceChange, SyncedCluster } from '../../src/cluster/types.js';
import type { Address } from '../../src/model/address.js';
import type { ClusterChange, ClusterSnapshot } from '../../src/model/cluster.js';
import { parseNetworkPolicy, parsePod } from '../../src/model/parse.js';
import type { AnyPolicy } from '../../src/model/policy.js';
import type { Pod } from '../../src/model/pod.js';
import { cacheInUse } from '../../src/nftables/render/cache.js';
import { findDrift } from '../../src/nftables/plan/drift.js';
import { noneDirty } from '../../src/nftables/render/dirty.js';
import { render, Renderer } from '../../src/nftables/render/renderer.js';
import { NftError } from '../../src/nftables/language/nftables.js';
import type { Transaction } from '../../src/nftables/language/command.js';
import type { Attachment } from '../../src/model/attachment.js';
import type { LinkReader, LocalPod } from '../../src/reconciler/guard-table.js';
import { Reconciler } from '../../src/reconciler/reconciler.js';
import { FakeNftables } from '../support/fake-nftables.js';
import { ManualClock } from '../support/manual-clock.js';

function policyNamed(name: string, spec: object = {}): AnyPolicy {
  const parsed = parseNetworkPolicy({ metadata: { name, namespace: 'x' }, spec }, { strict: true });
  if (!parsed.ok) throw new Error(name);
  return parsed.value;
}

function podNamed(name: string, address: string): Pod {
  const parsed = parsePod({
    metadata: { name, namespace: 'x', labels: { app: name } },
    spec: { nodeName: 'n1' },
    status: { podIPs: [{ ip: address }] },
  });
  if (!parsed.ok) throw new Error(name);
  return parsed.value;
}

const allow = (app: string): object => ({ ingress: [{ from: [{ podSelector: { matchLabels: { app } } }] }] });
const change = (policy: AnyPolicy): ClusterChange => ({ kind: 'policy', ref: policy.ref, policy });

/** A cluster in hand: a test pushes changes into it. */
class HandCluster implements SyncedCluster {
  readonly #listeners = new Set<(change: SourceChange) => void>();
  #snapshot: ClusterSnapshot;
  constructor(policies: readonly AnyPolicy[]) {
    this.#snapshot = {
      policies,
      pods: [podNamed('a', '10.0.0.1'), podNamed('b', '10.0.0.2')],
      namespaces: [],
      nodes: [],
    };
  }
  snapshot(): ClusterSnapshot {
    return this.#snapshot;
  }
  staleSince(): undefined {
    return undefined;
  }

  problems(): readonly never[] {
    return [];
  }
  onChange(listener: (change: SourceChange) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
  onProblems(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }
  push(...policies: readonly AnyPolicy[]): void {
    this.#snapshot = { ...this.#snapshot, policies: [...this.#snapshot.policies, ...policies] };
    for (const listener of this.#listeners) listener({ changes: policies.map(change), noticedAt: 0 });
  }
  optOut(name: string): void {
    const namespace = { name, labels: {}, annotations: { 'podwall.dev/source-guard': 'off' } };
    this.change({ kind: 'namespace', name, namespace });
  }
  /** Without a trace in the snapshot. */
  change(...changes: readonly ClusterChange[]): void {
    for (const listener of this.#listeners) listener({ changes, noticedAt: 0 });
  }
  [Symbol.dispose](): void {
    this.#listeners.clear();
  }
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

const noLinks = (): LinkReader => ({
  discover: () => Promise.resolve({ attachments: [], unattached: [] }),
  devices: () => Promise.resolve(new Map()),
  tunnelPorts: () => Promise.resolve(new Set()),
});

function start(policies: readonly AnyPolicy[], { begin = true, links = noLinks() } = {}) {
  const [cluster, nft, clock] = [new HandCluster(policies), new FakeNftables(), new ManualClock()];
  const lines: { message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const write = (fields: Readonly<Record<string, unknown>>, message: string): void =>
    void lines.push({ fields, message });
  const options = { scope: { node: 'n1' } };
  const desired = (snapshot: ClusterSnapshot) => render(compile(snapshot, options), { established: 'reevaluate' });
  const reconciler = new Reconciler(
    {
      cluster,
      compiler: new Compiler(options),
      renderer: new Renderer({ established: 'reevaluate' }),
      render: desired,
      nftables: nft,
      links,
      bridgeNetfilter: () => Promise.resolve(undefined),
      clock,
      log: { info: write, warn: write, error: write, debug: write },
    },
    { sourceGuard: true, readBackEvery: 60_000 },
  );
  if (begin) reconciler.start();
  const holds = () => findDrift(desired(cluster.snapshot()), nft.ruleset);
  return { cluster, nft, clock, lines, reconciler, holds };
}

const mentions = (transaction: Transaction, word: string): boolean =>
  JSON.stringify(transaction.commands).includes(word);

describe('the loop', () => {
  test('brings the first state to the kernel, says so, and is ready', async () => {
    const { reconciler, lines, holds } = start([policyNamed('p', allow('a'))]);
    await settle();
    expect(holds()).toEqual(noneDirty());
    expect(lines.filter(({ message }) => message === 'applied')).toHaveLength(1);
    expect(reconciler.status()).toMatchObject({ ready: true, revision: 1, repairs: 0 });
    await reconciler[Symbol.asyncDispose]();
  });

  test('links that cannot be read delay no policy; the agent is not ready before they were', async () => {
    let answer = (): void => undefined;
    const discover: LinkReader['discover'] = () =>
      new Promise((resolve) => (answer = () => resolve({ attachments: [], unattached: [] })));
    const { cluster, reconciler, holds } = start([policyNamed('p', allow('a'))], {
      links: { ...noLinks(), discover },
    });
    await settle();
    cluster.push(policyNamed('q', allow('b')));
    await settle();
    expect(holds()).toEqual(noneDirty());
    expect(reconciler.status()).toMatchObject({ ready: false, revision: 2 });
    answer();
    await settle();
    expect(reconciler.status().ready).toBe(true);
    const ended = reconciler[Symbol.asyncDispose]();
    answer();
    await ended;
  });

  test('what happens before the start touches nothing: an empty program would open everything', async () => {
    const { nft, reconciler } = start([policyNamed('p', allow('a'))], { begin: false });
    reconciler.drift('nft');
    reconciler.linksChanged();
    await settle();
    expect(nft.applied).toEqual([]);
    await reconciler[Symbol.asyncDispose]();
  });

  describe('links and the table of guards are read', () => {
    const attach = (pods: readonly LocalPod[], kind: Attachment['kind']): Attachment[] =>
      pods.map((pod, index) => ({ ...pod, device: `veth${index}`, ifindex: index + 1, kind }));
    /** Starts with two pods that are attached at once; counts what is read. */
    async function started(kind: Attachment['kind'] = 'routed') {
      const read = { links: 0, table: 0 };
      const links: LinkReader = {
        discover: (pods) => {
          read.links += 1;
          return Promise.resolve({ attachments: attach(pods, kind), unattached: [] });
        },
        devices: () => Promise.resolve(new Map([0, 1, 2].map((index) => [`veth${index}`, index + 1]))),
        tunnelPorts: () => Promise.resolve(new Set([4789])),
      };
      const loop = start([], { links });
      const list = loop.nft.list.bind(loop.nft);
      loop.nft.list = (table) => {
        if (table.family === 'netdev') read.table += 1;
        return list(table);
      };
      await settle();
      const guards = async (): Promise<number> =>
        [...((await list({ family: 'netdev', table: 'podwall' }))?.chains.values() ?? [])].filter(
          ({ hook }) => hook !== undefined,
        ).length;
      const elements = async (set: string): Promise<string[]> => [
        ...((await list({ family: 'netdev', table: 'podwall' }))?.sets.get(set)?.elements.keys() ?? []),
      ];
      const readBy = async (act: () => void): Promise<typeof read> => {
        const before = { ...read };
        act();
        await settle();
        return { links: read.links - before.links, table: read.table - before.table };
      };
      return { ...loop, guards, elements, readBy };
    }

    test('not for a policy, a label or a namespace, whose opting out holds all the same', async () => {
      const { cluster, reconciler, guards, readBy } = await started();
      const labelled: Pod = { ...podNamed('a', '10.0.0.1'), labels: { app: 'other' } };
      expect(await guards()).toBe(2);
      const nothing = { links: 0, table: 0 };
      expect(await readBy(() => cluster.push(policyNamed('p', allow('a'))))).toEqual(nothing);
      expect(reconciler.status().endpoints.map(({ ingress }) => ingress.isolated)).toEqual([true, true]);
      expect(await readBy(() => cluster.change({ kind: 'pod', ref: labelled.ref, pod: labelled }))).toEqual(nothing);
      expect(await readBy(() => cluster.optOut('x'))).toEqual(nothing);
      expect(await guards()).toBe(0);
      await reconciler[Symbol.asyncDispose]();
    });

    test('not for a node that comes or goes, whose addresses no tunnel may have for its end all the same', async () => {
      const { cluster, reconciler, elements, readBy } = await started();
      const addresses = ['192.0.2.9', '2001:db8::9'] as Address[];
      const node = { name: 'n9', labels: {}, addresses, podCidrs: [] };
      expect(await elements('tunnel-ports')).toEqual(['4789']);
      expect(await readBy(() => cluster.change({ kind: 'node', name: 'n9', node }))).toEqual({ links: 0, table: 0 });
      expect(await elements('node-addresses4')).toEqual(['192.0.2.9']);
      expect(await elements('node-addresses6')).toEqual(['2001:db8::9']);
      cluster.change({ kind: 'node', name: 'n9' });
      await settle();
      expect(await elements('node-addresses4')).toEqual([]);
      await reconciler[Symbol.asyncDispose]();
    });

    test('not for a policy that isolates bridged pods, which send to many no longer', async () => {
      const { cluster, reconciler, elements, readBy } = await started('bridged');
      expect(await elements('multicast-senders4')).toHaveLength(2);
      expect(await readBy(() => cluster.push(policyNamed('p', { podSelector: {}, policyTypes: ['Egress'] })))).toEqual({
        links: 0,
        table: 0,
      });
      expect(await elements('multicast-senders4')).toEqual([]);
      await reconciler[Symbol.asyncDispose]();
    });

    test('not when a pod goes, once when one comes, when a link changed, and now and then', async () => {
      const { cluster, clock, reconciler, guards, readBy } = await started();
      const ref = { namespace: 'x', name: 'a' };
      expect(await readBy(() => cluster.change({ kind: 'pod', ref }))).toEqual({ links: 0, table: 0 });
      expect(await guards()).toBe(1);
      const pod = podNamed('a', '10.0.0.3');
      expect(await readBy(() => cluster.change({ kind: 'pod', ref, pod }))).toEqual({ links: 1, table: 1 });
      expect(await guards()).toBe(2);
      const moved = podNamed('a', '10.0.0.4');
      expect(await readBy(() => cluster.change({ kind: 'pod', ref, pod: moved }))).toEqual({ links: 1, table: 1 });
      expect(await readBy(() => reconciler.linksChanged())).toEqual({ links: 1, table: 1 });
      expect(await readBy(() => clock.advance(60_000))).toEqual({ links: 1, table: 1 });
      await reconciler[Symbol.asyncDispose]();
    });

    test('the table alone when another process may have changed it, which is repaired', async () => {
      const { nft, lines, reconciler, guards, readBy } = await started();
      const commands = [{ kind: 'delete table' }] as const;
      await nft.apply({ family: 'netdev', table: 'podwall', effect: 'none', commands });
      expect(await readBy(() => reconciler.drift('nft'))).toEqual({ links: 0, table: 1 });
      expect(await guards()).toBe(2);
      expect(reconciler.status().repairs).toBe(1);
      expect(lines.at(-1)).toEqual({ message: 'drift', fields: { by: 'nft', table: 'netdev podwall' } });
      // Of the other table only.
      expect(await readBy(() => reconciler.drift('nft'))).toEqual({ links: 0, table: 1 });
      expect(reconciler.status().repairs).toBe(1);
      await reconciler[Symbol.asyncDispose]();
    });

    test('again after a failure: what it left is not known', async () => {
      const { cluster, clock, nft, reconciler, guards, readBy } = await started();
      nft.failWith = ({ family }) => (family === 'netdev' ? new NftError('failed', 'killed') : undefined);
      cluster.optOut('x');
      await settle();
      nft.failWith = () => undefined;
      expect(await readBy(() => clock.advance(10_000))).toEqual({ links: 1, table: 1 });
      expect(await guards()).toBe(0);
      await reconciler[Symbol.asyncDispose]();
    });
  });

  test('a burst is one change', async () => {
    const { cluster, reconciler, lines, holds } = start([policyNamed('p')]);
    await settle();
    cluster.push(policyNamed('q', allow('a')));
    cluster.push(policyNamed('r', allow('b')));
    await settle();
    expect(holds()).toEqual(noneDirty());
    expect(lines.filter(({ message }) => message === 'applied')).toHaveLength(2);
    await reconciler[Symbol.asyncDispose]();
  });

  test('while nft fails the last good rules stay and status says so; when it works again nothing was lost', async () => {
    const { cluster, nft, clock, reconciler, holds } = start([policyNamed('p', allow('a'))]);
    await settle();
    const before = JSON.stringify([...nft.ruleset.chains]);
    nft.failWith = () => new NftError('failed', 'the world is down');
    cluster.push(policyNamed('q', allow('b')));
    await settle();
    for (let tries = 0; tries < 6; tries += 1) {
      clock.advance(10_000);
      await settle();
    }
    expect(JSON.stringify([...nft.ruleset.chains])).toBe(before);
    expect(reconciler.status().lastError).toContain('the world is down');
    expect(reconciler.status().failures).toBeGreaterThan(3);
    nft.failWith = () => undefined;
    clock.advance(10_000);
    await settle();
    expect(holds()).toEqual(noneDirty());
    expect(reconciler.status().lastError).toBeUndefined();
    await reconciler[Symbol.asyncDispose]();
  });

  test('what the kernel refuses is traced to its policy, which alone fails closed', async () => {
    const { cluster, nft, clock, reconciler, lines } = start([policyNamed('p', allow('a'))]);
    await settle();
    nft.failWith = (transaction) =>
      mentions(transaction, 'in-x-poison') ? new NftError('refused', 'no such thing') : undefined;
    cluster.push(
      policyNamed('good', allow('b')),
      policyNamed('poison', { ...allow('a'), podSelector: { matchLabels: { app: 'b' } } }),
    );
    await settle();
    for (let tries = 0; tries < 8; tries += 1) {
      clock.advance(10_000);
      await settle();
    }
    expect(reconciler.status().failing).toMatchObject([{ name: 'poison', reasons: ['spec: no such thing'] }]);
    expect(
      lines.filter(({ message }) => message === 'policy fails closed').map(({ fields }) => fields['policy']),
    ).toEqual(['x/poison']);
    expect(
      [...nft.ruleset.chains.keys()]
        .filter((name) => name.startsWith('in-x-'))
        .map((name) => name.split('-')[2])
        .sort(),
    ).toEqual(['good', 'p']);
    expect(reconciler.status().lastError).toBeUndefined();
    const { endpoints } = reconciler.status();
    expect(endpoints.find(({ name }) => name === 'b')?.ingress.by).toEqual(['x/good', 'x/p', 'x/poison']);
    await reconciler[Symbol.asyncDispose]();
  });

  test('drift is repaired and counted, with who did it', async () => {
    const { nft, reconciler, lines, holds } = start([policyNamed('p', allow('a'))]);
    await settle();
    await nft.apply({
      family: 'inet',
      table: 'podwall',
      effect: 'narrows',
      commands: [{ kind: 'flush chain', name: 'egress' }],
    });
    reconciler.drift('1234 (someone)');
    await settle();
    expect(holds()).toEqual(noneDirty());
    expect(reconciler.status().repairs).toBe(1);
    expect(lines.find(({ message }) => message === 'drift')?.fields).toEqual({
      by: '1234 (someone)',
      table: 'inet podwall',
    });
    await reconciler[Symbol.asyncDispose]();
  });

  test('a narrowing soon after another keeps the verdict cache, which is emptied a second later without a new state', async () => {
    const { cluster, clock, reconciler, nft, lines } = start([policyNamed('p', allow('a'))]);
    await settle();
    const before = cacheInUse(nft.ruleset);
    cluster.push(policyNamed('q', allow('b')));
    await settle();
    expect(before).toMatchObject({ excepting: false });
    expect(cacheInUse(nft.ruleset)).toEqual({ ...before, excepting: true });
    const applied = lines.filter(({ message }) => message === 'applied').length;
    clock.advance(999);
    await settle();
    expect(cacheInUse(nft.ruleset)).toEqual({ ...before, excepting: true });
    clock.advance(1);
    await settle();
    expect(cacheInUse(nft.ruleset)).toEqual({ ...before, generation: (before?.generation ?? 0) + 1 });
    expect(lines.filter(({ message }) => message === 'applied')).toHaveLength(applied);
    const count = nft.applied.length;
    clock.advance(10_000);
    await settle();
    expect(nft.applied).toHaveLength(count);
    await reconciler[Symbol.asyncDispose]();
  });

  test('what waits beside a foreign change is no repair, and is not lost by the reading', async () => {
    const { cluster, nft, clock, reconciler, holds } = start([policyNamed('p', allow('a'))]);
    await settle();
    nft.failWith = () => new NftError('failed', 'the world is down');
    cluster.push(policyNamed('q', allow('b')));
    await settle();
    nft.failWith = () => undefined;
    reconciler.drift('7 (nothing of ours)');
    await settle();
    expect(holds()).toEqual(noneDirty());
    expect(reconciler.status().repairs).toBe(0);
    nft.failWith = () => new NftError('failed', 'the world is down again');
    cluster.push(policyNamed('r', allow('a')));
    await settle();
    nft.failWith = () => undefined;
    await nft.apply({
      family: 'inet',
      table: 'podwall',
      effect: 'narrows',
      commands: [{ kind: 'flush chain', name: 'egress' }],
    });
    reconciler.drift('8 (someone)');
    await settle();
    clock.advance(10_000);
    await settle();
    expect(holds()).toEqual(noneDirty());
    expect(reconciler.status().repairs).toBe(1);
    await reconciler[Symbol.asyncDispose]();
  });

  test('a foreign change that is reported while a run is on its way is looked for after it', async () => {
    const { cluster, nft, reconciler, holds } = start([policyNamed('p', allow('a'))]);
    await settle();
    const apply = nft.apply.bind(nft);
    let damages = 0;
    nft.apply = async (transaction) => {
      await apply(transaction);
      if (damages > 0) return;
      damages += 1;
      await apply({
        family: 'inet',
        table: 'podwall',
        effect: 'narrows',
        commands: [{ kind: 'flush chain', name: 'egress' }],
      });
      reconciler.drift('9 (someone)');
    };
    cluster.push(policyNamed('q', allow('b')));
    await settle();
    expect(damages).toBe(1);
    expect(holds()).toEqual(noneDirty());
    expect(reconciler.status().repairs).toBe(1);
    await reconciler[Symbol.asyncDispose]();
  });

  test('a read-back that finds nothing is no repair', async () => {
    const { clock, reconciler, nft } = start([policyNamed('p', allow('a'))]);
    await settle();
    const count = nft.applied.length;
    clock.advance(60_000);
    await settle();
    expect(nft.applied.length).toBe(count);
    expect(reconciler.status().repairs).toBe(0);
    await reconciler[Symbol.asyncDispose]();
  });
});
