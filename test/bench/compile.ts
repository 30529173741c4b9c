/** Full compile of the large cluster, and one change to it; reading files is not part of it. */
import { Compiler, type CompilerOptions } from '../../src/compiler/compiler.js';
import { changesFrom, type ClusterChange, type ClusterSnapshot } from '../../src/model/cluster.js';
import { Renderer } from '../../src/nftables/render/renderer.js';
import { policyChange, podChange } from './changes.js';
import type { BenchOptions, Figure } from './figures.js';
import { median } from './statistics.js';
import { largeCluster, generateCluster } from './generated-cluster.js';

const goals = { full: 1000, change: 5 };

export function measureCompile({ fast }: BenchOptions): Figure[] {
  const cluster = generateCluster(largeCluster);
  const repetitions = fast ? 2 : 5;
  return [
    ...measureScope(cluster, { node: 'n0' }, repetitions),
    ...measureScope(cluster, 'everywhere', fast ? 1 : repetitions),
  ];
}

function measureScope(cluster: ClusterSnapshot, scope: CompilerOptions['scope'], repetitions: number): Figure[] {
  const full: number[] = [];
  const policies: number[] = [];
  const pods: number[] = [];
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const compiler = new Compiler({ scope });
    const renderer = new Renderer({ established: 'reevaluate' });
    const take = (changes: readonly ClusterChange[]): number => {
      const started = performance.now();
      renderer.apply(compiler.apply(changes));
      renderer.ruleset();
      return performance.now() - started;
    };
    full.push(take(changesFrom(cluster)));
    take([policyChange(0)]);
    take([podChange(0)]);
    policies.push(take([policyChange(1)]));
    pods.push(take([podChange(1)]));
  }
  const node = scope !== 'everywhere';
  const where = node ? 'for a node' : 'everywhere';
  return [
    figure(`full compile and render ${where}`, median(full), node ? goals.full : undefined),
    figure(`one policy changed ${where}`, median(policies), node ? goals.change : undefined),
    figure(`one pod changed ${where}`, median(pods), node ? goals.change : undefined),
  ];
}

const figure = (what: string, milliseconds: number, goal: number | undefined): Figure => ({
  what: `(c) ${what}`,
  measured: `${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} ms`,
  ...(goal === undefined ? {} : { goal: `< ${goal} ms`, met: milliseconds < goal }),
  values: { milliseconds },
});
