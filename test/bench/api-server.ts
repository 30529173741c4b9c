/** From an answer of a real API server to the kernel, and how many writes that server takes here. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Manifest } from '../cases/types.js';
import { agentRights } from '../support/agent-rights.js';
import { inParallel } from '../support/in-parallel.js';
import { KubeApiServer, missingApiServer } from '../support/kube-api-server.js';
import type { KubeClient } from '../support/kube-client.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { until } from '../support/until.js';
import { addressOf, changingPod, measuredCluster } from './churn.js';
import type { BenchOptions, Figure } from './figures.js';
import { ElementEvents } from './nft-events.js';
import { quantile } from './statistics.js';

const goal = 10;
const writers = 16;

export async function measureApiServer({ fast }: BenchOptions): Promise<Figure[]> {
  if (missingApiServer !== undefined) {
    console.error(`SKIPPED: ${missingApiServer}`);
    return [];
  }
  await using lab = await Lab.create([labNode(1, 'ptp')]);
  await lab.addPod({ namespace: 'x', name: 'server', node: 'n1', addresses: ['10.244.1.12'] });
  await using server = await KubeApiServer.start(lab);
  const { admin } = server;
  const cluster = [
    ...agentRights({ kind: 'User', name: 'agent' }),
    ...(measuredCluster as Manifest[]),
    changingPod(0, 0),
  ];
  for (const object of cluster) await admin.create(object);
  await lab.startAgent('n1', { kubeconfig: await server.kubeconfig('agent') });
  await using events = await ElementEvents.start(lab.netns('n1'));
  const times: number[] = [];
  for (let step = 1; step <= (fast ? 20 : 200); step += 1) {
    await admin.writeStatus(changingPod(0, step));
    const returned = performance.now();
    await until(() => events.added.has(addressOf(step)));
    times.push((events.added.get(addressOf(step)) ?? Infinity) - returned);
    await delay(50);
  }
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  const rate = await writesPerSecond(admin, fast ? 500 : 5000);
  return [
    {
      what: '(g) a write that a real API server has answered, to the kernel',
      measured: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
      goal: `p50 <= ${goal} ms`,
      met: p50 <= goal,
      values: { p50, p99 },
    },
    { what: '(g) writes that it takes here', measured: `${rate.toFixed(0)} a second`, values: { rate } },
  ];
}

async function writesPerSecond(admin: KubeClient, count: number): Promise<number> {
  const started = performance.now();
  const indices = Array.from({ length: count }, (_, index) => index + 1);
  await inParallel(indices, writers, (index) => admin.create(changingPod(index, 1000 + index)));
  // Each is created, and then its status written.
  return (2 * count) / ((performance.now() - started) / 1000);
}
