/** From a change event to the kernel's acknowledgement of the switch; the sweep comes after and is not counted. */
import { Compiler } from '../../src/compiler/compiler.js';
import { openNftClient } from '../../src/kernel/nft/nft-client.js';
import { changesFrom, type ClusterChange } from '../../src/model/cluster.js';
import { Renderer } from '../../src/nftables/render/renderer.js';
import { effectOf } from '../../src/program/effect.js';
import { isDirty } from '../../src/nftables/render/dirty.js';
import { CacheRenewal } from '../../src/reconciler/cache-renewal.js';
import { systemClock } from '../../src/reconciler/clock.js';
import { PolicyTable } from '../../src/reconciler/policy-table.js';
import { bringIntoForce } from '../support/converge.js';
import { podChange, policyChange } from './changes.js';
import type { BenchOptions, Figure } from './figures.js';
import { withNamespace } from './namespace.js';
import { quantile } from './statistics.js';
import { largeCluster, generateCluster } from './generated-cluster.js';

const goals = { p50: 10, p99: 25 };

export async function measureEvents({ fast }: BenchOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const policies of [10, 10_000])
    figures.push(...(await withNamespace((netns) => measureSize(netns, policies, fast ? 20 : 200))));
  return figures;
}

async function measureSize(netns: string, policies: number, changes: number): Promise<Figure[]> {
  const client = await openNftClient({ command: ['ip', 'netns', 'exec', netns, 'nft'] });
  try {
    const compiler = new Compiler({ scope: { node: 'n0' } });
    const renderer = new Renderer({ established: 'reevaluate' });
    const cache = new CacheRenewal(systemClock, () => undefined);
    const table = new PolicyTable({ nftables: client, clock: systemClock, cache, desired: renderer.ruleset() });
    const bring = async (change: readonly ClusterChange[]): Promise<number> => {
      const started = performance.now();
      let switched = NaN;
      const program = compiler.apply(change);
      const dirty = renderer.apply(program);
      if (!isDirty(dirty)) throw new Error('a change of the bench changed nothing');
      await bringIntoForce(table, { dirty, effect: effectOf(program) }, () => {
        switched = performance.now() - started;
      });
      return switched;
    };
    await bring(changesFrom(generateCluster({ ...largeCluster, policies })));
    // The first of each kind makes what the others only change.
    for (const step of [0, 1, 2]) {
      await bring([policyChange(step)]);
      await bring([podChange(step)]);
    }
    const local = new Set([...compiler.program().ruleLists.values()].map(({ policy }) => policy.name)).size;
    const size = `${policies} policies (${local} here)`;
    const figures: Figure[] = [];
    for (const [name, change] of [
      ['policy', policyChange],
      ['pod', podChange],
    ] as const) {
      const times: number[] = [];
      for (let step = 0; step < changes; step += 1) times.push(await bring([change(step + 3)]));
      figures.push(figure(`one ${name} change to the kernel, ${size}`, times));
    }
    return figures;
  } finally {
    await client.close();
  }
}

function figure(what: string, times: readonly number[]): Figure {
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  return {
    what: `(b) ${what}`,
    measured: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
    goal: `p50 <= ${goals.p50} ms, p99 <= ${goals.p99} ms`,
    met: p50 <= goals.p50 && p99 <= goals.p99,
    values: { p50, p99 },
  };
}
