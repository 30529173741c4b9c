/** What a change costs, in steps and in looks at pods' labels: it grows with what it is about, and with nothing else. */
import { describe, expect, test } from '@jest/globals';
import { Compiler } from '../../src/compiler/compiler.js';
import type { ClusterChange } from '../../src/model/cluster.js';
import { CountedPods, equals, fromClients, policy, range } from '../support/counted-pods.js';
import { stepsOf } from '../support/counted-steps.js';

describe('selections that all select the same pods', () => {
  const pods = 50;

  function compilerOf(counted: CountedPods, selections: number): Compiler {
    const compiler = new Compiler({ scope: { node: 'here' } });
    compiler.apply([counted.pod(1000, { app: 'web' }, 'here')]);
    for (const index of range(selections)) compiler.apply([policy(index, equals('app', 'web'), fromClients(index))]);
    return compiler;
  }

  const clients = (counted: CountedPods): readonly ClusterChange[] =>
    range(pods).map((index) => counted.pod(index, { app: 'client' }));

  test.each<[string, (counted: CountedPods, selections: number) => number]>([
    [
      'pods that come one by one',
      (counted, selections) => {
        const compiler = compilerOf(counted, selections);
        return counted.readsOf(() => clients(counted).forEach((change) => compiler.apply([change])));
      },
    ],
    [
      'pods that come together',
      (counted, selections) => {
        const compiler = compilerOf(counted, selections);
        return counted.readsOf(() => compiler.apply(clients(counted)));
      },
    ],
    [
      'selections that come one by one',
      (counted, selections) => {
        const compiler = compilerOf(counted, 1);
        compiler.apply(clients(counted));
        return counted.readsOf(() =>
          range(selections).forEach((index) =>
            compiler.apply([policy(index, equals('app', 'web'), fromClients(index + 1))]),
          ),
        );
      },
    ],
  ])('%s cost pods times selections, not their square', (_, reads) => {
    const [few, many] = [reads(new CountedPods(), 20), reads(new CountedPods(), 80)];
    expect(few).toBeGreaterThanOrEqual(pods * 20);
    // Four times as many; sixteen times the work would be their square.
    expect(many / few).toBeLessThan(6);
  });
});

test("a local pod costs the policies that name one of its labels, not all of the namespace's", () => {
  const costs = [20, 2000].map((policies) => {
    const counted = new CountedPods();
    const compiler = new Compiler({ scope: { node: 'here' } });
    compiler.apply(range(policies).map((index) => policy(index, equals('app', `app-${index}`))));
    let reads = 0;
    const steps = stepsOf(() => {
      reads = counted.readsOf(() => compiler.apply([counted.pod(1, { app: 'app-7' }, 'here')]));
    });
    expect(compiler.program().endpoints.get('shop/p1')).toMatchObject({
      policies: 1,
      ingress: { by: [{ name: 'policy-7' }] },
    });
    return { steps, reads };
  });
  expect(costs[1]).toEqual(costs[0]);
});
