/** Resident memory of the real agent on the large cluster, in a network namespace without pods. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentProcess } from '../support/lab/agent-process.js';
import type { BenchOptions, Figure } from './figures.js';
import { manifestsOf } from './manifests.js';
import { withNamespace } from './namespace.js';
import { childrenOf, memoryOf } from './process.js';
import { largeCluster, generateCluster } from './generated-cluster.js';

const goalMegabytes = 120;

export function measureMemory({ fast }: BenchOptions): Promise<Figure[]> {
  return withNamespace(async (netns) => {
    const folder = await mkdtemp(join(tmpdir(), 'podwall-bench-'));
    const manifests = join(folder, 'manifests');
    await mkdir(manifests);
    for (const [name, items] of Object.entries(manifestsOf(generateCluster(largeCluster))))
      await writeFile(join(manifests, `${name}.json`), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const agent = new AgentProcess({ netns, node: 'n0', stateDir: join(folder, 'state'), flags: { manifests } });
    try {
      await agent.applied(0, 60_000);
      await delay(fast ? 10_000 : 60_000);
      return await read(agent.pid, fast);
    } finally {
      await agent.kill();
      await rm(folder, { recursive: true, force: true });
    }
  });
}

async function read(pid: number, fast: boolean): Promise<Figure[]> {
  const own = await memoryOf(pid);
  const children = await Promise.all((await childrenOf(pid)).map(memoryOf));
  const nft = children.reduce((sum, { resident }) => sum + resident, 0);
  return [
    {
      what: `(d) resident memory of the agent, ${fast ? '10' : '60'} s after it settled`,
      measured: `${own.resident.toFixed(0)} MB (peak ${own.peak.toFixed(0)} MB; its child processes ${nft.toFixed(0)} MB)`,
      goal: `<= ${goalMegabytes} MB`,
      met: own.resident <= goalMegabytes,
      values: { resident: own.resident, peak: own.peak, children: nft },
    },
  ];
}
