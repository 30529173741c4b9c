/** Many pod changes a second, every one of them about the rules of this node: from the write to the kernel. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { namespace, node, pod, policy } from '../cases/objects.js';
import { FakeApiServer, type ApiObject } from '../support/fake-api-server.js';
import { AgentProcess } from '../support/lab/agent-process.js';
import type { BenchOptions, Figure } from './figures.js';
import { withNamespace } from './namespace.js';
import { ElementEvents } from './nft-events.js';
import { childrenOf, processorTimeOf } from './process.js';
import { quantile } from './statistics.js';

const perSecond = 500;
const pods = 1000;
const goals = { p99: 100, busy: 0.5 };

/** The local pod, and a policy that lets the changing ones in. */
export const measuredCluster: readonly object[] = [
  node('n1', 'IPv4'),
  namespace('x'),
  pod('server.x', { node: 'n1', addresses: ['10.244.1.12'], labels: { app: 'server' } }),
  policy('from-changing.x', {
    podSelector: { matchLabels: { app: 'server' } },
    ingress: [{ from: [{ podSelector: { matchLabels: { app: 'changing' } } }] }],
  }),
];

export const changingPod = (index: number, step: number) =>
  pod(`changing-${index}.x`, { node: 'n2', addresses: [addressOf(step)], labels: { app: 'changing' } });

/** Another one at each step. */
export const addressOf = (step: number): string => `10.${100 + (step >> 16)}.${(step >> 8) & 255}.${step & 255}`;

export function measureChurn({ fast }: BenchOptions): Promise<Figure[]> {
  return withNamespace(async (netns) => {
    const folder = await mkdtemp(join(tmpdir(), 'podwall-bench-'));
    await using server = await FakeApiServer.start(netns);
    server.put(...(measuredCluster as ApiObject[]));
    for (let index = 0; index < pods; index += 1) server.put(changingPod(index, index) as unknown as ApiObject);
    const kubeconfig = join(folder, 'kubeconfig');
    await writeFile(kubeconfig, server.kubeconfig);
    const agent = new AgentProcess({ netns, node: 'n1', stateDir: join(folder, 'state'), flags: { kubeconfig } });
    try {
      await agent.applied(0, 30_000);
      await delay(3000);
      await using events = await ElementEvents.start(netns);
      const seconds = fast ? 5 : 60;
      const before = await busyTimes(agent.pid);
      const written = await write(server, seconds);
      await delay(2000);
      const after = await busyTimes(agent.pid);
      const busy = { own: (after.own - before.own) / seconds, nft: (after.nft - before.nft) / seconds };
      return [figure(seconds, lagsOf(written, events), busy)];
    } finally {
      await agent.kill();
      await rm(folder, { recursive: true, force: true });
    }
  });
}

/** Processor seconds of the agent and of its child processes so far. */
async function busyTimes(pid: number): Promise<{ own: number; nft: number }> {
  const children = await Promise.all((await childrenOf(pid)).map(processorTimeOf));
  return { own: await processorTimeOf(pid), nft: children.reduce((sum, time) => sum + time, 0) };
}

/** By address: when it was written. */
async function write(server: FakeApiServer, seconds: number): Promise<Map<string, number>> {
  const written = new Map<string, number>();
  const started = performance.now();
  for (let step = pods; step < pods + perSecond * seconds;) {
    const due = pods + ((performance.now() - started) / 1000) * perSecond;
    for (; step < due; step += 1) {
      written.set(addressOf(step), performance.now());
      server.put(changingPod(step % pods, step) as unknown as ApiObject);
    }
    await delay(5);
  }
  return written;
}

/** Milliseconds; of a pod that changed again before it was applied, the later address counts. */
function lagsOf(written: ReadonlyMap<string, number>, events: ElementEvents): readonly number[] {
  return [...written].map(([address, at]) => (events.added.get(address) ?? Infinity) - at);
}

function figure(seconds: number, lags: readonly number[], busy: { own: number; nft: number }): Figure {
  const [p50, p99] = [quantile(lags, 0.5), quantile(lags, 0.99)];
  return {
    what: `(f) ${perSecond} pod changes a second for ${seconds} s, each to the kernel`,
    measured: `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms; agent ${percent(busy.own)} % of a core, nft ${percent(busy.nft)} %`,
    goal: `p99 <= ${goals.p99} ms, <= ${goals.busy * 100} %`,
    met: p99 <= goals.p99 && busy.own <= goals.busy,
    values: { p50, p99, ...busy },
  };
}

const percent = (part: number): string => (part * 100).toFixed(0);
