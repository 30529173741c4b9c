import { describe, expect, test } from '@jest/globals';
import { enforcementBy } from '../../src/compiler/endpoints.js';
import { snapshotOf, type ClusterSnapshot } from '../../src/model/cluster.js';
import { policyKey, type PolicyRef } from '../../src/model/policy.js';
import type { Transaction } from '../../src/nftables/language/command.js';
import { emptyRuleset } from '../../src/nftables/language/mutable-ruleset.js';
import { NftError } from '../../src/nftables/language/nftables.js';
import type { Ruleset } from '../../src/nftables/language/types.js';
import { findCulprits, quarantined, refusedPolicy } from '../../src/reconciler/quarantine.js';

const everyPod = { requirements: [] };
const ref = (name: string): PolicyRef => ({ kind: 'NetworkPolicy', namespace: 'shop', name });
const refusing =
  (bad: readonly string[], attempts: string[][] = []) =>
  (intact: readonly PolicyRef[]): Promise<boolean> => {
    attempts.push(intact.map(({ name }) => name));
    return Promise.resolve(!intact.some(({ name }) => bad.includes(name)));
  };

describe('findCulprits', () => {
  const names = Array.from({ length: 100 }, (_, index) => `p${String(index).padStart(3, '0')}`);

  test.each([[[]], [['p000']], [['p099']], [['p042', 'p043', 'p090']]])('finds exactly %j', async (bad) => {
    const found = await findCulprits(names.map(ref), refusing(bad));
    expect(found?.map(({ name }) => name).sort()).toEqual(bad);
  });

  test('one culprit among a hundred takes no more than a dozen tries', async () => {
    const attempts: string[][] = [];
    await findCulprits(names.map(ref), refusing(['p042'], attempts));
    expect(attempts.length).toBeLessThanOrEqual(12);
  });

  test('a refusal that is no policy is nobody’s fault', async () => {
    expect(await findCulprits(names.map(ref), () => Promise.resolve(false))).toBeUndefined();
  });
});

describe('quarantined', () => {
  /** One chain for each policy that is intact. */
  const render = ({ policies }: ClusterSnapshot): Ruleset => ({
    ...emptyRuleset(),
    chains: new Map(
      policies.filter(({ kind }) => kind === 'policy').map(({ ref: { name } }) => [name, { name, rules: [] }]),
    ),
  });
  const snapshot = snapshotOf(
    ['one', 'other'].map((name) => {
      const policy = { kind: 'policy' as const, ref: ref(name), appliesTo: everyPod, ingress: [] };
      return { kind: 'policy' as const, ref: policy.ref, policy };
    }),
  );
  const suspects = new Set(['one', 'other'].map((name) => policyKey(ref(name))));
  const namesOf = async (isRefused: (chains: readonly string[]) => boolean): Promise<string[]> => {
    const check = ({ commands }: Transaction): Promise<void> => {
      const chains = commands.flatMap((command) => (command.kind === 'add chain' ? [command.name] : []));
      return isRefused(chains) ? Promise.reject(new NftError('refused', 'no')) : Promise.resolve();
    };
    const found = await quarantined({ snapshot, suspects, render, nftables: { check }, reason: 'no' });
    return found.map((one) => one.ref.name);
  };

  test('two policies that are refused together only: one of them fails closed', async () => {
    expect(await namesOf((chains) => chains.length > 1)).toEqual(['other']);
  });

  test('a policy that is not refused when it is asked once more is no culprit', async () => {
    let refusals = 0;
    const refusedForAWhile = (chains: readonly string[]): boolean => chains.includes('one') && (refusals += 1) <= 2;
    expect(await namesOf(refusedForAWhile)).toEqual([]);
    expect(refusals).toBeGreaterThan(2);
  });
});

test('a refused policy in a dry run stays in a dry run', () => {
  const policy = {
    kind: 'policy' as const,
    ref: ref('web'),
    mode: 'dry-run' as const,
    appliesTo: everyPod,
    ingress: [],
  };
  const refused = refusedPolicy(policy, [
    { code: 'refused-by-kernel', severity: 'error', path: ['spec'], message: 'nft said no' },
  ]);
  expect(refused).toMatchObject({ kind: 'broken', mode: 'dry-run', directions: ['ingress'] });
  const enforcement = enforcementBy([refused], { annotations: {}, dryRun: 'annotated' });
  expect([enforcement.ingress.kind, enforcement.dryRun?.ingress?.by]).toEqual(['open', [ref('web')]]);
});

test('a refused policy fails closed in the directions that it declared', () => {
  const policy = { kind: 'policy' as const, ref: ref('web'), appliesTo: { requirements: [] }, ingress: [] };
  expect(
    refusedPolicy(policy, [{ code: 'refused-by-kernel', severity: 'error', path: ['spec'], message: 'nft said no' }]),
  ).toMatchObject({
    kind: 'broken',
    directions: ['ingress'],
    appliesTo: { requirements: [] },
    diagnostics: [{ code: 'refused-by-kernel', message: 'nft said no' }],
  });
});
