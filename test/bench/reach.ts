/** `podwall reach`: all pairs, as JSON. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeRun, repeated, runPodwall } from './command.js';
import type { BenchOptions, Figure } from './figures.js';
import { writeRepository } from './repository.js';

const goals = { seconds: 2, megabytes: 300 };
const sizes = [100, 300, 1000];

export async function measureReach({ fast }: BenchOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of sizes) {
    const folder = await mkdtemp(join(tmpdir(), 'podwall-bench-reach-'));
    try {
      await writeRepository(folder, { applications: size, together: 1, policiesEach: 1, workloads: true });
      const run = await repeated(fast ? 1 : 5, () => runPodwall(['reach', '-f', folder, '-o', 'json']));
      const hasGoal = size === Math.max(...sizes);
      figures.push({
        what: `(i) reach -o json of ${size.toLocaleString('en')} workloads and as many policies`,
        measured: describeRun(run),
        ...(hasGoal ? { goal: `< ${goals.seconds} s, < ${goals.megabytes} MB` } : {}),
        ...(hasGoal ? { met: run.seconds < goals.seconds && run.megabytes < goals.megabytes } : {}),
        values: { ...run },
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  return figures;
}
