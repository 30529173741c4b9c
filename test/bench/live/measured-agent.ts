/** The real agent as the chart runs it: in a PID namespace and a control group of its own, with the chart's flags. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentProcess, type AgentFlags } from '../../support/lab/agent-process.js';
import type { Lab } from '../../support/lab/lab.js';
import { bundle } from '../../support/product.js';
import { ControlGroup } from './control-group.js';

/** The chart's memory limit, helm/podwall/values.yaml. */
export const memoryLimit = 512 * 2 ** 20;

/** Milliseconds: thousands of objects on a machine that is busy. */
const startsWithin = 120_000;

/** The chart's values where they are not the agent's own defaults. */
const chartFlags = (folder: string): AgentFlags => ({
  'unknown-pods': 'deny',
  'bridge-netfilter': 'check',
  'cni-cache-dir': 'off',
  'audit-log': join(folder, 'audit.jsonl'),
});

export interface MeasuredAgent extends AsyncDisposable {
  readonly process: AgentProcess;
  readonly group: ControlGroup;
}

/**
 * Resolves when its first state is in the kernel and every pod that can be attached is.
 * @param product bundle of another tree than this
 */
export async function startMeasured(lab: Lab, source: AgentFlags, product = bundle): Promise<MeasuredAgent> {
  const stateDir = join(lab.folder, 'state-n1');
  const flags = Object.entries({ ...chartFlags(lab.folder), ...source, 'state-dir': stateDir, node: 'n1' });
  const group = await ControlGroup.create(memoryLimit);
  const gate = join(lab.folder, 'in-control-group');
  const process = new AgentProcess({
    netns: lab.netns('n1'),
    node: 'n1',
    stateDir,
    flags: {},
    launch: [
      // Nothing is started before all of it is accounted.
      ...['sh', '-c', 'while [ ! -e "$0" ]; do sleep 0.02; done; exec "$@"', gate],
      ...['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...[globalThis.process.execPath, product, 'agent', '--log-format', 'json'],
      ...flags.flatMap(([name, value]) => [`--${name}`, value]),
    ],
  });
  const agent: MeasuredAgent = {
    process,
    group,
    async [Symbol.asyncDispose]() {
      await process.kill();
      await group[Symbol.asyncDispose]();
    },
  };
  try {
    await group.add(process.pid);
    await writeFile(gate, '');
    await process.applied(0, startsWithin);
    await process.ready();
    return agent;
  } catch (error) {
    await agent[Symbol.asyncDispose]();
    throw error;
  }
}
