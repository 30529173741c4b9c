/** Limits on several policies together: who is beyond them. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { standardLimits, type Limits } from '../../src/limits/limits.js';
import { MemoryCeiling, type Newcomer } from '../../src/limits/memory-ceiling.js';
import { policyWeight, standardPolicyMemory } from '../../src/limits/memory-weights.js';
import { NamespaceCounts } from '../../src/limits/namespace-counts.js';
import { countPolicy } from '../../src/limits/policy-counts.js';
import { compareAge, youngestBeyond } from '../../src/model/policy-age.js';
import '../support/seed.js';
import { policyOf, withBlocks } from './policies.js';

const aged = (name: string, created?: string, cidrs = 1) =>
  policyOf(withBlocks(cidrs), { name, ...(created === undefined ? {} : { created }) });
const [first, second, third] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z'];

describe('the youngest', () => {
  test('are those created last, by name where that is the same; manifests have no time and are old', () => {
    const policies = [aged('b', second), aged('a', second), aged('z', first), aged('manifest')];
    expect(policies.toSorted(compareAge).map(({ ref }) => ref.name)).toEqual(['manifest', 'z', 'a', 'b']);
    expect(youngestBeyond(policies, 2).map(({ ref }) => ref.name)).toEqual(['a', 'b']);
    expect(youngestBeyond(policies, 4)).toEqual([]);
  });
});

describe('a namespace', () => {
  const counted = (policy: ReturnType<typeof aged>, isRefused = false) =>
    ({ key: policy.ref.name, policy, counts: countPolicy(policy), excesses: [], isRefused }) as const;
  const namespaceOf = (limits: Partial<Limits>, policies: readonly ReturnType<typeof counted>[]): NamespaceCounts => {
    const counts = new NamespaceCounts({ ...standardLimits, ...limits });
    for (const one of policies) counts.set(one.key, one);
    return counts;
  };

  test('at its number of policies is within it; one more, and the youngest is beyond', () => {
    const policies = [aged('c', third), aged('a', first), aged('b', second)].map((policy) => counted(policy));
    expect(namespaceOf({ namespacePolicies: 3 }, policies).isOver()).toBe(false);
    const over = namespaceOf({ namespacePolicies: 2 }, policies);
    expect(over.excesses()).toEqual([{ limit: 'namespacePolicies', count: 3, most: 2 }]);
    expect([...over.beyond()]).toEqual([
      ['c', expect.objectContaining({ message: expect.stringMatching(/youngest.*2.*--max-namespace-policies/) })],
    ]);
    over.set('a', undefined);
    expect([over.isOver(), over.beyond().size]).toEqual([false, 0]);
  });

  test('CIDR ranges: who finds no room leaves the rest to those after it', () => {
    const policies = [aged('c', third, 3), aged('a', first, 6), aged('b', second, 5)].map((policy) => counted(policy));
    expect(namespaceOf({ namespaceCidrs: 14 }, policies).isOver()).toBe(false);
    const over = namespaceOf({ namespaceCidrs: 10 }, policies);
    expect(over.excesses()).toEqual([{ limit: 'namespaceCidrs', count: 14, most: 10 }]);
    expect([...over.beyond().keys()]).toEqual(['b']);
  });

  test('what a policy refused for itself has does not count, nor what a policy had before', () => {
    const [old, young] = [aged('a', first, 6), aged('b', second, 6)];
    expect(namespaceOf({ namespaceCidrs: 6 }, [counted(old, true), counted(young)]).isOver()).toBe(false);
    const counts = namespaceOf({ namespaceCidrs: 10 }, [counted(old), counted(young)]);
    counts.set('a', { ...counted(aged('a', first, 2)), key: 'a' });
    expect(counts.isOver()).toBe(false);
  });
});

describe('memory', () => {
  const newcomer = (namespace: string, name: string, inForce: number, isUsed = true): Newcomer => ({
    key: `${namespace}/${name}`,
    policy: policyOf(withBlocks(1), { namespace, name }),
    weight: { held: 1, inForce },
    isUsed,
  });

  test('what is in force stays, and a newcomer that does not fit waits until there is room', () => {
    const ceiling = new MemoryCeiling(100);
    ceiling.settle([newcomer('x', 'old', 60)]);
    ceiling.settle([newcomer('y', 'new', 60)]);
    expect([ceiling.isRefused('x/old'), ceiling.isRefused('y/new')]).toEqual([false, true]);
    // It grows: it is its own newcomer, and the waiting one finds room.
    expect([...ceiling.settle([newcomer('x', 'old', 200)])].sort()).toEqual(['x/old', 'y/new']);
    expect([ceiling.isRefused('x/old'), ceiling.isRefused('y/new')]).toEqual([true, false]);
    ceiling.leave('y/new');
    expect([...ceiling.settle([newcomer('x', 'old', 70)])]).toEqual(['x/old']);
    expect(ceiling.isRefused('x/old')).toBe(false);
  });

  test('all at once, a namespace that fills the memory pays itself', () => {
    const ceiling = new MemoryCeiling(100);
    ceiling.settle([newcomer('big', 'a', 50), newcomer('big', 'b', 50), newcomer('small', 'z', 20)]);
    expect(['big/a', 'big/b', 'small/z'].map((key) => ceiling.isRefused(key))).toEqual([false, true, false]);
  });

  test('a policy of a namespace without pods here is an object and no more; it shrinks without being refused', () => {
    const ceiling = new MemoryCeiling(100);
    ceiling.settle([newcomer('x', 'a', 90)]);
    ceiling.settle([newcomer('y', 'b', 90, false)]);
    expect([ceiling.isRefused('y/b'), ceiling.total]).toEqual([false, 92]);
    // Held beyond what there is: what is in force and does not grow stays.
    ceiling.settle([{ ...newcomer('x', 'a', 80), weight: { held: 500, inForce: 80 } }]);
    expect(ceiling.isRefused('x/a')).toBe(false);
    ceiling.settle([newcomer('y', 'b', 90)]);
    expect(ceiling.isRefused('y/b')).toBe(true);
  });

  test('in any order of changes, the sum is that of what is held and in force, within the ceiling', () => {
    const step = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      weight: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
      isUsed: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const ceiling = new MemoryCeiling(100);
        const now = new Map<string, Newcomer>();
        for (const { name, weight, isUsed } of steps) {
          const one = newcomer('x', name, weight ?? 0, isUsed);
          if (weight === undefined) ceiling.leave(one.key);
          else ceiling.settle([one]);
          if (weight === undefined) now.delete(one.key);
          else now.set(one.key, one);
          const inForce = [...now.values()].filter((known) => known.isUsed && !ceiling.isRefused(known.key));
          const sum = inForce.reduce((bytes, known) => bytes + known.weight.inForce, now.size);
          expect(ceiling.total).toBe(sum);
          expect(sum).toBeLessThanOrEqual(104);
        }
      }),
    );
  });

  test('a policy at the default limit of CIDR ranges fits, and twenty of them do not', () => {
    const { held, inForce } = policyWeight(countPolicy(policyOf(withBlocks(100_000))));
    expect(held + inForce).toBeLessThan(standardPolicyMemory);
    expect(20 * (held + inForce)).toBeGreaterThan(standardPolicyMemory);
  });
});
