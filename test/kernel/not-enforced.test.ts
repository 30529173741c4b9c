/** A pod whose traffic does not pass the node's forward path is named, and never counted as enforced. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { join } from 'node:path';
import { namespace, node, pod } from '../cases/objects.js';
import { AgentProcess } from '../support/lab/agent-process.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { runPrefix } from '../support/runs.mjs';
import { describePackets } from '../support/lab/requirements.js';
import { problemsOf } from '../support/schemas.js';

describePackets('a pod on a macvlan device', () => {
  let lab: Lab;
  let agent: AgentProcess;
  const space = `${runPrefix}macvlan`;
  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'ptp')]);
    await lab.addPods([{ namespace: 'x', name: 'seen', node: 'n1', addresses: ['10.244.1.11'] }]);
    await execa('ip', ['netns', 'add', space]);
    const link = ['link', 'add', 'pod0', 'link', 'uplink', 'netns', space, 'type', 'macvlan', 'mode', 'bridge'];
    await lab.run('n1', 'ip', ...link);
    await execa('ip', ['-n', space, 'link', 'set', 'pod0', 'up']);
    await execa('ip', ['-n', space, 'address', 'add', '172.30.0.50/24', 'dev', 'pod0']);
    const manifests = join(lab.folder, 'manifests');
    await lab.writeManifests(manifests, {
      cluster: [
        node('n1'),
        namespace('x'),
        pod('seen.x', { node: 'n1', addresses: ['10.244.1.11'] }),
        pod('unseen.x', { node: 'n1', addresses: ['172.30.0.50'] }),
      ],
    });
    agent = new AgentProcess({
      netns: lab.netns('n1'),
      node: 'n1',
      stateDir: join(lab.folder, 'state'),
      flags: { manifests },
    });
    await agent.applied();
  }, 60_000);
  afterAll(async () => {
    await agent.kill();
    await execa('ip', ['netns', 'del', space]);
    await lab[Symbol.asyncDispose]();
  }, 60_000);

  test('stands in status with the reason, and in a warning', async () => {
    const named = (): boolean =>
      agent.lines.some(({ msg, pod: name }) => msg === 'not enforced' && name === 'x/unseen');
    for (let turn = 0; turn < 50 && !named(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(named()).toBe(true);
    const status = await agent.status();
    expect(problemsOf('status', status)).toEqual([]);
    expect(status['unattached']).toMatchObject([{ pod: { namespace: 'x', name: 'unseen' } }]);
    const endpoints = status['endpoints'] as { name: string; device?: string }[];
    expect(endpoints.find(({ name }) => name === 'seen')?.device).toBeDefined();
    expect(endpoints.find(({ name }) => name === 'unseen')?.device).toBeUndefined();
  }, 20_000);
});
