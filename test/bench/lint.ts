/** `podwall lint` over a large repository: policies alone, and with the workloads that they are about. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeRun, repeated, runPodwall } from './command.js';
import type { BenchOptions, Figure } from './figures.js';
import { writeRepository } from './repository.js';

const goals = { seconds: 2, megabytes: 250 };

const worlds = [
  { beside: '', applications: 500, together: 1, policiesEach: 4, workloads: false },
  { beside: ', with 500 Deployments and Services', applications: 500, together: 1, policiesEach: 4, workloads: true },
  {
    beside: ', with 2,000 Deployments and Services',
    applications: 2000,
    together: 4,
    policiesEach: 1,
    workloads: true,
  },
] as const;

export async function measureLint({ fast }: BenchOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { beside, ...size } of worlds) {
    const folder = await mkdtemp(join(tmpdir(), 'podwall-bench-lint-'));
    try {
      await writeRepository(folder, size);
      const run = await repeated(fast ? 1 : 5, () => runPodwall(['lint', '-f', folder], [0, 1]));
      figures.push({
        what: `(h) lint of 2,000 policies in 500 files${beside}`,
        measured: describeRun(run),
        goal: `< ${goals.seconds} s, < ${goals.megabytes} MB`,
        met: run.seconds < goals.seconds && run.megabytes < goals.megabytes,
        values: { ...run },
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  return figures;
}
