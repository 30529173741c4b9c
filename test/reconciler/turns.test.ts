/** Many namespaces share the loop: nobody waits for another's bulk, or for what the kernel refuses of another's. */
import { describe, expect, test } from '@jest/globals';
import type { ClusterChange } from '../../src/model/cluster.js';
import { parseNetworkPolicy, parsePod } from '../../src/model/parse.js';
import type { Transaction } from '../../src/nftables/language/command.js';
import { NftError } from '../../src/nftables/language/nftables.js';
import { Loop, settle } from './loop-on-fakes.js';

function policy(namespace: string, name: string, spec: object = {}): ClusterChange {
  const parsed = parseNetworkPolicy({ metadata: { name, namespace, generation: 1 }, spec }, { strict: true });
  if (!parsed.ok) throw new Error(name);
  return { kind: 'policy', ref: parsed.value.ref, policy: parsed.value };
}

function pod(namespace: string, name: string, address: string, labels = {}): ClusterChange {
  const json = {
    metadata: { name, namespace, labels },
    spec: { nodeName: 'n1' },
    status: { podIPs: [{ ip: address }] },
  };
  const parsed = parsePod(json);
  if (!parsed.ok) throw new Error(name);
  return { kind: 'pod', ref: parsed.value.ref, pod: parsed.value };
}

/** One that takes nft many pieces. */
const bulk = (namespace: string, name: string): ClusterChange =>
  policy(namespace, name, {
    ingress: [
      { from: Array.from({ length: 9000 }, (_, n) => ({ ipBlock: { cidr: `10.${n >> 8}.${n & 255}.1/32` } })) },
    ],
  });

async function started(...start: readonly ClusterChange[]): Promise<Loop> {
  const loop = new Loop(...start);
  await settle();
  expect(loop.applied).toBe(1);
  return loop;
}

const mentions = (transaction: Transaction, word: string): boolean =>
  JSON.stringify(transaction.commands).includes(word);

const pods = [pod('big', 'a', '10.200.0.1'), pod('small', 'a', '10.200.0.2'), pod('third', 'a', '10.200.0.3')];

describe('turns', () => {
  test('a small change of one namespace is in force before the bulk of another one is', async () => {
    const loop = await started(...pods);
    const order: string[] = [];
    const apply = loop.nft.apply.bind(loop.nft);
    loop.nft.apply = async (transaction) => {
      // While a piece of the bulk is on its way, another namespace changes.
      if (order.length === 0 && mentions(transaction, '10.0.9.1')) {
        order.push('bulk began');
        loop.push(policy('small', 'deny'));
      }
      await apply(transaction);
      if (loop.isolates('10.200.0.1') && !order.includes('big')) order.push('big');
      if (loop.isolates('10.200.0.2') && !order.includes('small')) order.push('small');
    };
    loop.push(bulk('big', 'blocks'));
    await settle();
    expect(order).toEqual(['bulk began', 'small', 'big']);
    expect(loop.isConverged).toBe(true);
    expect(loop.applied).toBe(3);
    expect(loop.reconciler.status().revision).toBe(3);
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('what another process has damaged is repaired before a bulk goes on', async () => {
    const loop = await started(...pods, policy('small', 'deny'));
    const isolated: boolean[] = [];
    const apply = loop.nft.apply.bind(loop.nft);
    loop.nft.apply = async (transaction) => {
      await apply(transaction);
      if (isolated.length === 0 && mentions(transaction, '10.0.9.1')) {
        const keys = ['10.200.0.2'];
        const commands = [{ kind: 'delete elements', set: 'isolated-in4', keys }] as const;
        await apply({ family: 'inet', table: 'podwall', effect: 'narrows', commands });
        loop.reconciler.drift('4711 (nft)');
      }
      if (mentions(transaction, '10.0.9.1') || isolated.length > 0) isolated.push(loop.isolates('10.200.0.2'));
    };
    loop.push(bulk('big', 'blocks'));
    await settle();
    expect(isolated.length).toBeGreaterThan(4);
    expect(isolated.slice(0, 2)).toEqual([false, true]);
    expect(loop.isConverged).toBe(true);
    expect(loop.reconciler.status().repairs).toBe(1);
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('a policy is reported as enforced when its own turn is in force', async () => {
    const loop = await started(...pods);
    const seen = new Set<string>();
    const apply = loop.nft.apply.bind(loop.nft);
    loop.nft.apply = async (transaction) => {
      await apply(transaction);
      seen.add(JSON.stringify(loop.enforced()));
    };
    loop.push(bulk('big', 'blocks'), policy('small', 'deny'));
    await settle();
    expect([...seen]).toContain('["small/deny"]');
    expect([...seen]).not.toContain('["big/blocks"]');
    expect(loop.enforced()).toEqual(['big/blocks', 'small/deny']);
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('small changes of many namespaces are one switch', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
    const loop = await started(...names.map((name, index) => pod(name, 'a', `10.200.1.${index}`)));
    loop.push(...names.map((name) => policy(name, 'deny')));
    await settle();
    expect(loop.isConverged).toBe(true);
    expect(loop.applied).toBe(2);
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('the changes of one namespace keep their order, however many slices they take', async () => {
    const loop = await started(pod('big', 'a', '10.200.0.1'));
    const states: number[] = [];
    const count = (): number => [...loop.nft.ruleset.counters].filter((name) => name.startsWith('drop-in-')).length;
    const apply = loop.nft.apply.bind(loop.nft);
    loop.nft.apply = async (transaction) => {
      await apply(transaction);
      const revision = loop.reconciler.status().endpoints[0]?.ingress.by.length ?? 0;
      if (states.at(-1) !== revision) states.push(revision);
    };
    loop.push(...Array.from({ length: 100 }, (_, index) => policy('big', `p${index}`)));
    await settle();
    expect(states.length).toBeGreaterThan(1);
    expect(states).toEqual([...states].sort((a, b) => a - b));
    expect(states.at(-1)).toBe(100);
    expect(count()).toBe(1);
    expect(loop.isConverged).toBe(true);
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('what the kernel refuses of one namespace holds up no other one, not even of the same switch', async () => {
    const loop = await started(...pods);
    loop.nft.failWith = (transaction) => (mentions(transaction, 'poison') ? new NftError('refused', 'no') : undefined);
    loop.push(policy('big', 'poison', { ingress: [{ ports: [{ port: 80 }] }] }), policy('small', 'deny'));
    await settle();
    expect([loop.isolates('10.200.0.1'), loop.isolates('10.200.0.2')]).toEqual([false, true]);
    expect(loop.enforced()).toEqual(['small/deny']);
    expect(loop.reconciler.status().lastError).toBe('no');
    loop.push(policy('third', 'deny'));
    await settle();
    expect(loop.isolates('10.200.0.3')).toBe(true);
    loop.nft.failWith = () => undefined;
    loop.clock.advance(10_000);
    await settle();
    expect(loop.isConverged).toBe(true);
    expect(loop.reconciler.status().lastError).toBeUndefined();
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('a removal that the kernel refuses holds up no change, is said, and is tried again', async () => {
    const allow = policy('big', 'allow', { ingress: [{ ports: [{ port: 80 }] }] });
    const loop = await started(...pods, allow);
    loop.nft.failWith = (transaction) =>
      transaction.commands.some(({ kind }) => kind === 'delete chain') ? new NftError('refused', 'busy') : undefined;
    if (allow.kind !== 'policy') throw new Error('not a policy');
    loop.push({ kind: 'policy', ref: allow.ref });
    await settle();
    expect(loop.reconciler.status().lastError).toBe('busy');
    loop.push(policy('small', 'deny'));
    await settle();
    expect(loop.isolates('10.200.0.2')).toBe(true);
    expect(loop.reconciler.status().waiting).toBe(0);
    expect(loop.isConverged).toBe(false);
    loop.nft.failWith = () => undefined;
    loop.clock.advance(10_000);
    await settle();
    expect(loop.isConverged).toBe(true);
    expect(loop.reconciler.status().lastError).toBeUndefined();
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('a change that mends what is refused is taken with it', async () => {
    const loop = await started(...pods);
    loop.nft.failWith = (transaction) => (mentions(transaction, 'poison') ? new NftError('refused', 'no') : undefined);
    const poison = policy('big', 'poison', { ingress: [{ ports: [{ port: 80 }] }] });
    loop.push(poison);
    await settle();
    expect(loop.isConverged).toBe(false);
    if (poison.kind !== 'policy') throw new Error('not a policy');
    loop.push({ kind: 'policy', ref: poison.ref }, policy('big', 'good'));
    loop.clock.advance(200);
    await settle();
    expect(loop.isolates('10.200.0.1')).toBe(true);
    expect(loop.isConverged).toBe(true);
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test.each(['old', 'new'])(
    'an address that a pod of another namespace gets holds nothing of the earlier pod by then, beside a bulk of the %s one',
    async (loaded) => {
      const from = (namespace: string): object => ({
        ingress: [{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } }] }],
      });
      const old = pod('old', 'a', '10.200.0.9');
      const loop = await started(
        ...pods,
        old,
        policy('small', 'from-old', from('old')),
        policy('third', 'from-new', from('new')),
      );
      const members = (): number =>
        [...loop.nft.ruleset.sets]
          .filter(([name]) => name.startsWith('pods4-'))
          .filter(([, { elements }]) => elements.has('10.200.0.9')).length;
      expect(members()).toBe(1);
      const seen = new Set<number>();
      const apply = loop.nft.apply.bind(loop.nft);
      loop.nft.apply = async (transaction) => {
        await apply(transaction);
        seen.add(members());
      };
      if (old.kind !== 'pod') throw new Error('not a pod');
      const newcomer = pod('new', 'b', '10.200.0.9');
      loop.push({ kind: 'pod', ref: old.ref }, bulk(loaded, 'blocks'), newcomer);
      await settle();
      expect(Math.max(...seen)).toBe(1);
      expect(loop.isConverged).toBe(true);
      await loop.reconciler[Symbol.asyncDispose]();
    },
  );
});
