import { describe, expect, test } from '@jest/globals';
import type { PolicyRef } from '../../src/model/policy.js';
import { enforcementBy } from '../../src/compiler/endpoints.js';
import { findCulprits, refusedPolicy } from '../../src/reconciler/quarantine.js';

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
