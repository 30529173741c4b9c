/** What an element costs, from the change of the cluster to the transaction: the same whatever is in its set. */
import { describe, expect, test } from '@jest/globals';
import { Compiler } from '../../src/compiler/compiler.js';
import type { ClusterChange } from '../../src/model/cluster.js';
import { overwrite } from '../../src/nftables/language/mutable-ruleset.js';
import { buildSteps } from '../../src/nftables/plan/build.js';
import { isInForce, needsReplacement } from '../../src/nftables/plan/difference.js';
import { InBuild } from '../../src/nftables/plan/in-build.js';
import { planSwitch } from '../../src/nftables/plan/plan.js';
import { TurnContent } from '../../src/nftables/plan/turn-content.js';
import { DesiredRuleset } from '../../src/nftables/render/desired.js';
import { Renderer } from '../../src/nftables/render/renderer.js';
import { effectOf } from '../../src/program/effect.js';
import { CountedPods, equals, fromClients, policy, range } from '../support/counted-pods.js';
import { stepsOf } from '../support/counted-steps.js';

describe('a pod that joins or leaves a group', () => {
  /** From the change of the cluster to the transaction, and whether all is in force after it. */
  function nodeOf(members: number) {
    const counted = new CountedPods();
    const compiler = new Compiler({ scope: { node: 'here' } });
    const renderer = new Renderer({ established: 'keep', mode: 'enforce' });
    const desired = renderer.ruleset();
    const applied = new DesiredRuleset().ruleset;
    renderer.apply(
      compiler.apply([
        policy(1, equals('app', 'web'), fromClients(1)),
        counted.pod(60_000, { app: 'web' }, 'here'),
        ...range(members).map((index) => counted.pod(index, { app: 'client' })),
      ]),
    );
    overwrite(applied, desired);
    const bringIn = (change: ClusterChange): number => {
      const program = compiler.apply([change]);
      const input = {
        desired,
        applied,
        inBuild: new InBuild(),
        content: TurnContent.of(renderer.apply(program), desired),
        effect: effectOf(program),
      };
      expect(needsReplacement(input)).toBe(false);
      expect([...buildSteps(input, () => 1000)]).toEqual([]);
      const { step } = planSwitch(input, 'concerned');
      step?.record();
      expect(isInForce(input)).toBe(true);
      return step?.transaction.commands.length ?? 0;
    };
    const sizes = (): readonly number[] => [...applied.sets.values()].map(({ elements }) => elements.size);
    return { counted, bringIn, sizes };
  }

  test('takes the same steps whether the group is small or large', () => {
    const costs = [100, 20_000].map((members) => {
      const { counted, bringIn, sizes } = nodeOf(members);
      const joins = counted.pod(50_000, { app: 'client' });
      const leaves: ClusterChange = { kind: 'pod', ref: { namespace: 'shop', name: 'p50000' } };
      const steps = [joins, leaves].map((change) => stepsOf(() => expect(bringIn(change)).toBeGreaterThan(0)));
      expect(sizes()).toContain(members);
      return steps;
    });
    expect(costs[1]).toEqual(costs[0]);
    expect(costs[0]?.every((steps) => steps > 0 && steps < 1000)).toBe(true);
  });
});
