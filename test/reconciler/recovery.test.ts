/** nft fails for a while, or the kernel refuses what it takes later: nothing stays closed, and nothing waits, for longer than that. */
import { describe, expect, test } from '@jest/globals';
import type { ClusterChange } from '../../src/model/cluster.js';
import { parseNetworkPolicy, parsePod } from '../../src/model/parse.js';
import type { Transaction } from '../../src/nftables/language/command.js';
import { NftError } from '../../src/nftables/language/nftables.js';
import { Loop, settle } from './loop-on-fakes.js';

/** By which the kernel of these tests knows the policy that it does not take. */
const poison = 6666;

function policy(name: string, port = 80): ClusterChange {
  const spec = { podSelector: {}, ingress: [{ ports: [{ port }] }] };
  const parsed = parseNetworkPolicy({ metadata: { name, namespace: 'x', generation: 1 }, spec }, { strict: true });
  if (!parsed.ok) throw new Error(name);
  return { kind: 'policy', ref: parsed.value.ref, policy: parsed.value };
}

function pod(name: string, ip: string): ClusterChange {
  const json = { metadata: { name, namespace: 'x' }, spec: { nodeName: 'n1' }, status: { podIPs: [{ ip }] } };
  const parsed = parsePod(json);
  if (!parsed.ok) throw new Error(name);
  return { kind: 'pod', ref: parsed.value.ref, pod: parsed.value };
}

const onlyPod = pod('a', '10.200.0.1');
const isPoisoned = ({ commands }: Transaction): boolean => JSON.stringify(commands).includes(String(poison));
const failing = ({ reconciler }: Loop): string[] => reconciler.status().failing.map(({ name }) => name);

/** Lets so many milliseconds pass, in steps in which all that is due is done. */
async function pass(loop: Loop, milliseconds: number, step = 500): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += step) {
    loop.clock.advance(step);
    await settle(60);
  }
}

/** No listing ends before the result is called. */
function hold({ nft }: Loop): () => void {
  const list = nft.list.bind(nft);
  const waiting: (() => void)[] = [];
  nft.list = async (...table) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return list(...table);
  };
  return () => {
    nft.list = list;
    for (const resolve of waiting.splice(0)) resolve();
  };
}

/** How many transactions are checked from now on. */
function countChecks({ nft }: Loop): () => number {
  const check = nft.check.bind(nft);
  let checks = 0;
  nft.check = (transaction) => {
    checks += 1;
    return check(transaction);
  };
  return () => checks;
}

/** With a policy that the kernel refuses, and that therefore fails closed. */
async function withRefused(): Promise<Loop> {
  const loop = new Loop(onlyPod);
  await settle();
  loop.nft.failWith = (transaction) => (isPoisoned(transaction) ? new NftError('refused', 'no') : undefined);
  loop.push(policy('poison', poison));
  for (let tries = 0; tries < 10 && failing(loop).length === 0; tries += 1) await pass(loop, 100, 100);
  expect(failing(loop)).toEqual(['poison']);
  return loop;
}

describe('a policy that the kernel refuses', () => {
  test('fails closed, and is in force as soon as the kernel takes it, though nobody changes it', async () => {
    const loop = await withRefused();
    expect(loop.reconciler.status().ready).toBe(true);
    loop.nft.failWith = () => undefined;
    await pass(loop, 4_000);
    expect(failing(loop)).toEqual([]);
    expect(loop.isConverged).toBe(true);
    expect(loop.lines.map(({ message }) => message)).toContain('the kernel takes the policy again');
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('is offered to it ever less often', async () => {
    const loop = await withRefused();
    const offers = countChecks(loop);
    await pass(loop, 60_000);
    // After 1, 2, 4, 8, 16 and 32 seconds, rounded up to the next whole one.
    expect(offers()).toBeGreaterThan(3);
    expect(offers()).toBeLessThan(8);
    expect(failing(loop)).toEqual(['poison']);
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('is no trouble for long when nft itself failed meanwhile: then it is offered at once, and the node is not ready before', async () => {
    const loop = await withRefused();
    await pass(loop, 20_000);
    loop.nft.failWith = () => new NftError('failed', 'no buffer space');
    loop.push(policy('other'));
    await pass(loop, 2_000);
    expect(loop.reconciler.status().ready).toBe(false);
    expect(loop.reconciler.status().warnings.join()).toContain('x/poison');
    loop.nft.failWith = () => undefined;
    await pass(loop, 2_000);
    expect(loop.reconciler.status()).toMatchObject({ ready: true, failing: [], warnings: [], waiting: 0 });
    expect(loop.isConverged).toBe(true);
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('is not offered any more when its author removes it', async () => {
    const loop = await withRefused();
    const change = policy('poison');
    if (change.kind !== 'policy') throw new Error('not a policy');
    loop.push({ kind: 'policy', ref: change.ref });
    await pass(loop, 1_000);
    const offers = countChecks(loop);
    await pass(loop, 10_000);
    expect(offers()).toBe(0);
    expect(loop.isConverged).toBe(true);
    await loop.reconciler[Symbol.asyncDispose]();
  });
});

describe('nft that fails', () => {
  test.each(['failed', 'in-use', 'timed-out'] as const)(
    'for a while (%s) closes no policy, and is asked in ever longer pauses',
    async (reason) => {
      const loop = new Loop(onlyPod, policy('one'));
      await settle();
      let attempts = 0;
      loop.nft.failWith = () => {
        attempts += 1;
        return new NftError(reason, 'passing');
      };
      loop.push(policy('other'));
      await pass(loop, 20_000);
      // With pauses between them, and a harmless one each second.
      expect(attempts).toBeLessThan(60);
      expect(failing(loop)).toEqual([]);
      expect(loop.isolates('10.200.0.1')).toBe(true);
      expect(loop.reconciler.status().lastError).toBe('passing');
      loop.nft.failWith = () => undefined;
      await pass(loop, 5_000);
      expect(loop.reconciler.status()).toMatchObject({ ready: true, waiting: 0, failing: [] });
      expect(loop.isConverged).toBe(true);
      await loop.reconciler[Symbol.asyncDispose]();
    },
  );
});

describe('a reading', () => {
  test('that fails, or does not end, holds up no change, and is said', async () => {
    const loop = new Loop(onlyPod);
    await settle();
    const end = hold(loop);
    loop.reconciler.drift('4711 (nft)');
    await settle(30);
    loop.push(policy('one'));
    await settle();
    expect(loop.isolates('10.200.0.1')).toBe(true);
    expect(loop.reconciler.status().waiting).toBe(0);
    end();
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('that fails is tried again, and a warning until then', async () => {
    const loop = new Loop(onlyPod, policy('one'));
    await settle();
    const list = loop.nft.list.bind(loop.nft);
    loop.nft.list = () => Promise.reject(new NftError('failed', 'no memory'));
    const keys = ['10.200.0.1'];
    const damage = [{ kind: 'delete elements', set: 'isolated-in4', keys }] as const;
    await loop.nft.apply({ family: 'inet', table: 'podwall', effect: 'none', commands: damage });
    loop.reconciler.drift('4711 (nft)');
    await pass(loop, 1_000);
    expect(loop.reconciler.status().warnings).toContain('the rules cannot be read back: no memory');
    expect(loop.reconciler.status().failures).toBeGreaterThan(1);
    loop.nft.list = list;
    await pass(loop, 4_000);
    expect(loop.reconciler.status()).toMatchObject({ warnings: [], repairs: 1 });
    expect(loop.isolates('10.200.0.1')).toBe(true);
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('that does not end while a turn is refused for what no policy is at fault: all is replaced, which is a repair', async () => {
    const loop = new Loop(onlyPod, policy('one'));
    await settle();
    const end = hold(loop);
    const isReplacement = ({ commands }: Transaction): boolean => commands.some(({ kind }) => kind === 'delete table');
    loop.nft.failWith = (transaction) =>
      isReplacement(transaction) ? undefined : new NftError('refused', 'No such file or directory');
    loop.push(policy('two'));
    await pass(loop, 500, 100);
    loop.nft.failWith = () => undefined;
    await pass(loop, 2_000);
    expect(loop.reconciler.status()).toMatchObject({ repairs: 1, failing: [], waiting: 0 });
    const drift = { message: 'drift', fields: { by: 'own failure', table: 'inet podwall' } };
    expect(loop.lines).toContainEqual(drift);
    expect(loop.isConverged).toBe(true);
    end();
    await loop.reconciler[Symbol.asyncDispose]();
  });

  test('that does not end at the start: after ten seconds all is replaced', async () => {
    const loop = new Loop(onlyPod, policy('one'));
    const end = hold(loop);
    await pass(loop, 9_000);
    expect(loop.reconciler.status().ready).toBe(false);
    await pass(loop, 2_000);
    expect(loop.isolates('10.200.0.1')).toBe(true);
    expect(loop.isConverged).toBe(true);
    end();
    await loop.reconciler[Symbol.asyncDispose]();
  });
});
