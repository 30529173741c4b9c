/** How long the agent takes to know 50,000 pods of 6 KB, and what that costs; the official client's informer beside it. */
import { execa } from 'execa';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { node } from '../cases/objects.js';
import { FakeApiServer, type ApiObject } from '../support/fake-api-server.js';
import { AgentProcess } from '../support/lab/agent-process.js';
import type { BenchOptions, Figure } from './figures.js';
import { withNamespace } from './namespace.js';
import { podTexts } from './pod-texts.js';
import { memoryOf, processorTimeOf } from './process.js';

const count = 50_000;
const goals = { seconds: 4, resident: 150 };

export function measureSync({ fast }: BenchOptions): Promise<Figure[]> {
  return withNamespace(async (netns) => {
    const folder = await mkdtemp(join(tmpdir(), 'podwall-bench-'));
    await using server = await FakeApiServer.start(netns);
    server.put(node('n1') as unknown as ApiObject);
    server.bulk.set('Pod', () => podTexts(count));
    const kubeconfig = join(folder, 'kubeconfig');
    await writeFile(kubeconfig, server.kubeconfig);
    try {
      const own = await measureAgent({ netns, kubeconfig, stateDir: join(folder, 'state') }, fast ? 5000 : 30_000);
      return fast ? own : [...own, await measureInformer(netns, kubeconfig)];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

interface MeasuredNode {
  readonly netns: string;
  readonly kubeconfig: string;
  readonly stateDir: string;
}

async function measureAgent({ netns, kubeconfig, stateDir }: MeasuredNode, settles: number): Promise<Figure[]> {
  const started = performance.now();
  const agent = new AgentProcess({ netns, node: 'n1', stateDir, flags: { kubeconfig } });
  try {
    await agent.applied(0, 120_000);
    const seconds = (performance.now() - started) / 1000;
    const busy = await processorTimeOf(agent.pid);
    await delay(settles);
    const { resident, peak } = await memoryOf(agent.pid);
    return [
      {
        what: '(e) start of the agent to the first state in force, 50,000 pods of 6 KB streamed',
        measured: `${seconds.toFixed(1)} s (${busy.toFixed(1)} s of a processor)`,
        goal: `<= ${goals.seconds} s`,
        met: seconds <= goals.seconds,
        values: { seconds, busy },
      },
      {
        what: `(e) resident memory of the agent, ${settles / 1000} s later`,
        measured: `${resident.toFixed(0)} MB (peak ${peak.toFixed(0)} MB)`,
        goal: `<= ${goals.resident} MB`,
        met: resident <= goals.resident,
        values: { resident, peak },
      },
    ];
  } finally {
    await agent.kill();
  }
}

async function measureInformer(netns: string, kubeconfig: string): Promise<Figure> {
  const script = join(import.meta.dirname, 'informer.mjs');
  const child = execa('ip', ['netns', 'exec', netns, process.execPath, script, kubeconfig, String(count)]);
  try {
    const [line] = await Promise.race([
      child
        .iterable()
        .next()
        .then(({ value }) => [String(value)]),
      child.then(() => ['']),
    ]);
    const { resident, peak } = await memoryOf(child.pid ?? -1);
    const [seconds, busy] = [Number(line) / 1000, await processorTimeOf(child.pid ?? -1)];
    return {
      what: "(e) the official client's informer on the same pods",
      measured: `${seconds.toFixed(1)} s (${busy.toFixed(1)} s of a processor), ${resident.toFixed(0)} MB (peak ${peak.toFixed(0)} MB)`,
      values: { seconds, busy, resident, peak },
    };
  } finally {
    child.kill('SIGKILL');
    await child.catch(() => undefined);
  }
}
